"""The files of the database: where they are, whose version they have, how they appear and disappear whole.

Apart, because here the rule is that a folder named `data` is always a complete cluster: it is made and dropped
under another name.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from db.embedded.binaries import Binaries
from db.embedded.errors import EmbeddedDatabaseCode, EmbeddedDatabaseError
from db.embedded.privileges import hand_over
from db.embedded.spawn import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """Everything below the root folder."""

    root: Path

    @property
    def data(self) -> Path:
        """The cluster."""
        return self.root / "data"

    @property
    def staging(self) -> Path:
        """A cluster in the making, or one being dropped."""
        return self.root / "data.tmp"

    @property
    def owner_lock(self) -> Path:
        """Held by the process that owns the server."""
        return self.root / "owner.lock"

    @property
    def server_lock(self) -> Path:
        """Held by every process of the server."""
        return self.root / "server.lock"

    @property
    def log(self) -> Path:
        """The folder of the server's log."""
        return self.root / "log"


def cluster_exists(folders: Folders, *, identity: Identity, binaries: Binaries) -> bool:
    """Whether there is a cluster; if so, it can be used by this user and these programs.

    Raises:
        EmbeddedDatabaseError: `version_mismatch`, or `no_permission`: it is another user's.
    """
    try:
        major = (folders.data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        if not folders.data.exists():
            return False
        major = "an unknown version"
    if major != str(binaries.major):
        raise EmbeddedDatabaseError(
            EmbeddedDatabaseCode.VERSION_MISMATCH,
            f"The data in {folders.data} were written by PostgreSQL {major}, but the server here is PostgreSQL "
            f"{binaries.version}. To keep them, run the old version once more, dump them with pg_dump, and load the "
            "dump into a new folder; to begin anew, move the folder away.",
        )
    hand_over(folders.data, identity)
    return True


def stage_cluster(folders: Folders, identity: Identity) -> None:
    """Make the empty folder in which a new cluster is made. Blocks.

    Raises:
        OSError: No room, or no permission.
    """
    _remove(folders.staging)
    folders.staging.mkdir(mode=0o700)
    os.chown(folders.staging, identity.uid, identity.gid)


def adopt_cluster(folders: Folders) -> None:
    """Let the complete cluster be the data from now on, also after a power cut. Blocks.

    Raises:
        OSError: The disk refuses.
    """
    folders.staging.rename(folders.data)
    root = os.open(folders.root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(root)
    finally:
        os.close(root)


def drop_cluster(folders: Folders) -> None:
    """Delete all data, at once for everybody who looks. Blocks.

    Raises:
        OSError: The disk refuses.
    """
    _remove(folders.staging)
    if folders.data.exists():
        folders.data.rename(folders.staging)
        _remove(folders.staging)


def size_on_disk(folder: Path) -> int:
    """Return the bytes that the files below a folder take up on the disk. Blocks."""
    total = 0
    for parent, _, files in os.walk(folder):
        for name in files:
            try:
                total += Path(parent, name).lstat().st_blocks * 512
            except FileNotFoundError:
                continue  # a running server makes and removes files
    return total


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
