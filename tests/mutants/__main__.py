"""Plant every defect, one at a time, into a copy of the source, and see the tests catch it.

A test that fails without any defect catches nothing, so all of them are run on
the clean copy first. Exits with 1 when a defect survives or no longer fits the source.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

from tests.mutants import DEFECTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.mutants.defect import Defect

ROOT: Final = Path(__file__).parents[2]
COPIES: Final = 2
"""How many defects are tried side by side, each in a copy of its own."""
SECONDS_MAX: Final = 300.0
CLEAN_SECONDS_MAX: Final = 1800.0
FAILED: Final = 1
"""What pytest exits with when tests ran and failed; anything else shows nothing about the defect."""
_COMPILE: Final = (sys.executable, "-m", "compileall", "-qq", "--invalidation-mode", "checked-hash")
_SOURCES: Final = ("app", "db", "schema", "tests")
_NOT_SOURCE: Final = shutil.ignore_patterns(".*", "__pycache__", "node_modules")


def main(words: Sequence[str]) -> int:
    """Run the defects whose names hold all of the words, and print what caught each."""
    chosen = [defect for defect in DEFECTS if all(word in defect.name for word in words)]
    with tempfile.TemporaryDirectory(prefix="orderpulse-mutants-") as folder:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(COPIES):
            copy = Path(folder) / str(number)
            shutil.copytree(ROOT, copy, ignore=_NOT_SOURCE)
            # Compiled once, and anew only where the source is no longer what it was, to the byte and not to the second.
            subprocess.run([*_COMPILE, *_SOURCES], cwd=copy, check=True)
            copies.put(copy)
        started = time.monotonic()
        if not _clean(Path(folder) / "0", chosen):
            return 1
        with ThreadPoolExecutor(COPIES) as pool:
            caught = list(pool.map(lambda defect: _tried(defect, copies), chosen))
    _say(f"{sum(caught)} of {len(chosen)} defects caught in {time.monotonic() - started:.0f} s")
    return 0 if all(caught) else 1


def _clean(copy: Path, chosen: Sequence[Defect]) -> bool:
    """Whether the tests pass without a defect."""
    tests = sorted({test for defect in chosen for test in defect.tests})
    code, output = _pytest(copy, tests, CLEAN_SECONDS_MAX)
    if code:
        _say(f"{output}\nThe tests fail without any defect")
    return code == 0


def _tried(defect: Defect, copies: SimpleQueue[Path]) -> bool:
    """Whether a defect is caught. Prints a line about it."""
    copy = copies.get()
    file = copy / defect.file
    source = file.read_text()
    started = time.monotonic()
    try:
        file.write_text(defect.plant(source))
        code, output = _pytest(copy, defect.tests)
    except (ValueError, subprocess.TimeoutExpired) as error:
        code, output = 0, str(error)
    finally:
        file.write_text(source)
        copies.put(copy)
    failures = (line.split()[1] for line in output.splitlines() if line.startswith(("FAILED ", "ERROR ")))
    by = next((name for name in failures if "::" in name), "")
    verdict = (
        f"caught by {by.partition('::')[2] or by}"
        if code == FAILED
        else f"SURVIVES ({code}) {output[-2000:]}"
    )
    _say(f"{time.monotonic() - started:6.1f} s  {defect.name}: {verdict}")
    return code == FAILED


def _pytest(copy: Path, tests: Sequence[str], seconds: float = SECONDS_MAX) -> tuple[int, str]:
    """Run tests in a copy until the first failure."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--no-header", *tests],
        cwd=copy,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the table is what this is run for


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="make mutants ARGS=…", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "words", nargs="*", metavar="WORD", help="run the defects whose names hold all of the words"
    )
    sys.exit(main(parser.parse_args().words))
