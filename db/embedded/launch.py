"""The step between our process and PostgreSQL: a script that takes on the right user and becomes the server by exec.

It is a program of its own and no `preexec_fn`, because code that runs between fork and exec in a process with
threads may wait for ever on a lock whose holder was not copied. It keeps its process id, so that the server is
our direct child. Standard library only; it runs without site-packages.
"""

import ctypes
import os
import sys

NAMESPACE_REFUSED = 97
PARENT_GONE = 98
EXEC_FAILED = 99

_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1

# Nothing of the owner's environment reaches the server: no secrets, and no PG* variable that would change what it does.
_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"}


def main(arguments: list[str]) -> None:
    """Become a command.

    Args:
        arguments: The owner's pid, the mode, uid, gid, the number of the signal to get when the owner dies, and
            the command with its arguments.
    """
    owner_pid, uid, gid, death_signal = (int(arguments[place]) for place in (0, 2, 3, 4))
    mode, command = arguments[1], arguments[5:]
    if mode == "namespace":
        _enter_namespace(uid, gid)
    elif mode == "setuid":
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    os.umask(0o077)
    os.chdir("/")
    # After the change of user, which clears it. From here on the kernel tells the server when its owner dies,
    # however it dies; an owner that died a moment ago shows by our having another parent already.
    _libc().prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != owner_pid:
        sys.exit(PARENT_GONE)
    try:
        os.execve(command[0], command, _ENVIRONMENT)  # noqa: S606  # no shell is what we want
    except OSError as error:
        sys.stderr.write(f"can't run {command[0]}: {error.strerror}\n")
        sys.exit(EXEC_FAILED)


def _enter_namespace(uid: int, gid: int) -> None:
    """Appear as `uid` and `gid` to ourselves and the server, while the kernel and all files see who we are."""
    real_uid, real_gid = os.geteuid(), os.getegid()
    if _libc().unshare(_CLONE_NEWUSER) != 0:
        sys.stderr.write(f"user namespace refused: {os.strerror(ctypes.get_errno())}\n")
        sys.exit(NAMESPACE_REFUSED)
    try:
        # The kernel wants setgroups given up before an unprivileged process may map its group.
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{uid} {real_uid} 1")
        _write("/proc/self/gid_map", f"{gid} {real_gid} 1")
    except OSError as error:
        sys.stderr.write(f"user namespace not mapped: {error.strerror}\n")
        sys.exit(NAMESPACE_REFUSED)


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


if __name__ == "__main__":
    main(sys.argv[1:])
