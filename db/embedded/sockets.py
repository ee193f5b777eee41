"""The folder of the server's socket: private, and with a path short enough for the kernel.

Apart, because the folder is the database's only door: there is no network port and no password, and whoever may
enter the folder may enter the database.
"""

import contextlib
import hashlib
import os
import stat
import tempfile
from pathlib import Path
from urllib.parse import quote

from db.embedded.errors import EmbeddedDatabaseCode, EmbeddedDatabaseError
from db.embedded.privileges import hand_over
from db.embedded.spawn import Identity

PORT = 5432
_SOCKET = f".s.PGSQL.{PORT}"
_PATH_BYTES_MAX = 99  # the kernel takes 107


def find_socket_folder(root: Path) -> Path | None:
    """Return the socket folder that the owner of `root` made, or None where there is none yet.

    A folder of somebody else than the data's owner is none: a stranger may be waiting in it for our queries.
    """
    folder = _linked(root / "run")
    try:
        status, data = folder.lstat(), (root / "data").lstat()
    except FileNotFoundError:
        return None
    return folder if stat.S_ISDIR(status.st_mode) and status.st_uid == data.st_uid else None


def make_socket_folder(root: Path, identity: Identity) -> Path:
    """Make the private folder for the socket, or check the one that is there; return its path.

    It is `run` below `root`. Where that makes too long a socket path it is a folder in the temporary folder, named
    after `root`, to which `run` is then a link, so that other processes find it whatever their TMPDIR is.

    Raises:
        EmbeddedDatabaseError: `socket_folder_unsafe`: somebody else made that folder.
        OSError: It can't be made.
    """
    run = root / "run"
    if _fits(run):
        if run.is_symlink():
            run.unlink()
        run.mkdir(mode=0o700, exist_ok=True)
        hand_over(run, identity)
        return run
    # The link is followed only if it was made for this root, and not for another of which this is a copy.
    name = f"orderpulse-{identity.uid}-{hashlib.sha256(os.fsencode(root)).hexdigest()[:16]}"
    folder = _linked(run)
    if folder.name != name:
        folder = _temporary(name)
    _claim_in_public(folder, identity)
    if not run.is_symlink() or run.readlink() != folder:
        staging = root / "run.tmp"
        staging.unlink(missing_ok=True)
        staging.symlink_to(folder)
        staging.replace(run)
    return folder


def remove_stale_socket(folder: Path) -> None:
    """Remove the socket and its lock file of a server that is surely gone."""
    for name in (_SOCKET, f"{_SOCKET}.lock"):
        (folder / name).unlink(missing_ok=True)


def dsn(folder: Path, *, user: str, database: str) -> str:
    """Return the address for asyncpg and SQLAlchemy; the port is named, or PGPORT would decide."""
    return f"postgresql://{user}@/{database}?host={quote(str(folder))}&port={PORT}"


def _fits(folder: Path) -> bool:
    path = str(folder / _SOCKET)
    try:
        length = len(path.encode())
    except UnicodeEncodeError:
        return False  # bytes that are no text can't be written in an address
    return length <= _PATH_BYTES_MAX and "," not in path  # clients read a comma as a list of hosts


def _linked(run: Path) -> Path:
    return run.readlink() if run.is_symlink() else run


def _temporary(name: str) -> Path:
    """Return where a folder of this name belongs.

    It is left behind empty when the server stops: if it were removed, a stranger could put up another one there.
    """
    folder = Path(tempfile.gettempdir()) / name
    return folder if _fits(folder) else Path("/tmp") / name  # noqa: S108  # claimed with care below


def _claim_in_public(folder: Path, identity: Identity) -> None:
    """Make a private folder where everybody may make folders, or make sure that the one there is ours."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {os.geteuid(), identity.uid}:
        raise EmbeddedDatabaseError(
            EmbeddedDatabaseCode.SOCKET_FOLDER_UNSAFE,
            f"The database's socket belongs into {folder}, but user {status.st_uid} made that already. "
            "Remove it, or choose a data folder with a shorter path.",
        )
    folder.chmod(0o700)
    if status.st_uid != identity.uid:
        os.chown(folder, identity.uid, identity.gid, follow_symlinks=False)
