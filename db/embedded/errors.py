"""What can go wrong with the embedded database, under codes that a program may rely on.

Apart, because every other module here raises it and the command line translates it for people.
"""

import errno
import shutil
from enum import StrEnum
from pathlib import Path

_BYTES_FREE_MIN = 256 * 1024
_DISK_FULL_WORDS = ("No space left on device", "Disk quota exceeded")


class EmbeddedDatabaseCode(StrEnum):
    """Why the embedded database is not there; stable, while the words of the message may change."""

    BINARIES_BROKEN = "binaries_broken"
    BINARIES_MISSING = "binaries_missing"
    DISK_FULL = "disk_full"
    FOLDER_IN_USE = "folder_in_use"
    FOLDER_UNREACHABLE = "folder_unreachable"
    INITDB_FAILED = "initdb_failed"
    NO_ACCOUNT = "no_account"
    NO_PERMISSION = "no_permission"
    NOT_LINUX = "not_linux"
    OWNED_ELSEWHERE = "owned_elsewhere"
    OWNER_NOT_READY = "owner_not_ready"
    SOCKET_FOLDER_UNSAFE = "socket_folder_unsafe"
    START_FAILED = "start_failed"
    START_TIMED_OUT = "start_timed_out"
    STOP_FAILED = "stop_failed"
    VERSION_MISMATCH = "version_mismatch"


class EmbeddedDatabaseError(Exception):
    """The embedded database can't do what was asked.

    Attributes:
        code: The stable reason.
        message: What happened and what to do about it, for a person.
        server_log: The last lines that the server wrote, or "" where it was not involved.
    """

    def __init__(self, code: EmbeddedDatabaseCode, message: str, *, server_log: str = "") -> None:
        super().__init__(code, message, server_log)
        self.code = code
        self.message = message
        self.server_log = server_log

    def __str__(self) -> str:
        if not self.server_log:
            return self.message
        return f"{self.message}\nThe server's last words:\n{self.server_log}"


def server_failure(
    code: EmbeddedDatabaseCode, message: str, *, server_log: str, folder: Path
) -> EmbeddedDatabaseError:
    """Return the error for a server program that ended badly in `folder`; that the disk is full goes before `code`.

    The log is on the same disk: when that is full, the words may be missing, so the disk is asked as well.
    """
    full = any(words in server_log for words in _DISK_FULL_WORDS) or _bytes_free(folder) < _BYTES_FREE_MIN
    if full:
        code = EmbeddedDatabaseCode.DISK_FULL
        message = (
            f"{message} The disk is full: free some space there and start again; nothing committed is lost."
        )
    return EmbeddedDatabaseError(code, message, server_log=server_log)


def system_failure(error: OSError, doing: str) -> EmbeddedDatabaseError:
    """Return the error for a refusal by the operating system while `doing` something with our folders."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        code, advice = EmbeddedDatabaseCode.DISK_FULL, "Free some space there and start again."
    else:
        code, advice = (
            EmbeddedDatabaseCode.NO_PERMISSION,
            "Choose a folder on a local disk that this user may write, or make this one writable.",
        )
    return EmbeddedDatabaseError(code, f"Can't {doing}: {error}. {advice}")


def _bytes_free(folder: Path) -> int:
    return shutil.disk_usage(folder).free
