"""What is told about the embedded database, and to whom.

Apart, because both shapes belong to the application's side: its log and its command line.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Report(Protocol):
    """Somebody to tell what happens to the server; a structlog logger's `warning` is one."""

    def __call__(self, event: str, /, **fields: object) -> None:
        """Take note of an event, named by a stable word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedDescription:
    """What a person wants to know about the running database."""

    version: str
    data_folder: Path
    socket_folder: Path
    is_owner: bool
    size_bytes: int


def to_the_log(event: str, /, **fields: object) -> None:
    """Report to the standard library's log."""
    logging.getLogger("db.embedded").warning("%s %s", event, fields)
