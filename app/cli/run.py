"""How every command runs: its settings, its exit code, and what a person can mend told in a sentence.

What a command needs is imported when it runs, here and in the modules of commands: `--help` needs next to nothing.
"""

from __future__ import annotations

import asyncio
import errno
import gc
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from app.cli.output import CommandError, complain
from app.error_catalog import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from app.settings import Settings


def start(cli: Callable[[], object]) -> None:
    """Run the command line.

    While modules are loaded there is no garbage; to look for it all the same takes a quarter of the time.
    """
    gc.disable()
    cli()


def settings_of(**given: object) -> Settings:
    """Return the settings with what the command line says; end with a sentence where they make no sense."""
    from app.settings import SettingsError, load_settings

    try:
        return load_settings(**given)
    except SettingsError as error:
        fail(str(error))


def run(work: Coroutine[Any, Any, int]) -> NoReturn:
    """Run a command to its exit code; what a person can mend is told in a sentence, not in a traceback."""
    import uvloop

    sys.exit(guarded(lambda: uvloop.run(work)))


def guarded(work: Callable[[], int]) -> int:
    """Return what the work ends with, whatever it raises that people can mend."""
    gc.freeze()
    gc.enable()
    try:
        return work()
    except CommandError as error:
        complain(str(error), error.to_do)
        return error.code
    except (KeyboardInterrupt, asyncio.CancelledError):
        return ExitCode.INTERRUPTED
    except Exception as error:  # whatever is not told here is raised again
        told = _told(error)
        if told is None:
            raise
        complain(*told)
        return ExitCode.FAILED


def _told(error: Exception) -> tuple[str, str] | None:
    """Return what is wrong and what to do, where it is nobody's mistake in the code."""
    from app.settings import SettingsError
    from db.embedded import EmbeddedDatabaseError
    from db.pool import DatabaseUnavailableError

    match error:
        case EmbeddedDatabaseError() | SettingsError() | DatabaseUnavailableError():
            return str(error), ""
        case OSError():
            return _told_by_the_system(error)
        case _:
            return None


def _told_by_the_system(error: OSError) -> tuple[str, str] | None:
    where = f" ({error.filename})" if error.filename else ""
    match error.errno:
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"{error.strerror}{where}.", "Choose a folder of your own: --data-dir DIR."
        case errno.ENOSPC | errno.EDQUOT:
            return f"The disk is full{where}.", "Free some 500 MB, or choose another disk: --data-dir DIR."
        case errno.ENOTDIR | errno.EEXIST:
            return f"{error.strerror}{where}.", "The data folder must be a folder: --data-dir DIR."
        case _:
            return None


def fail(message: str, code: ExitCode = ExitCode.FAILED, to_do: str = "") -> NoReturn:
    """End with a sentence."""
    complain(message, to_do)
    sys.exit(code)
