"""A violation: which check, of what, and a sentence with the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain.ids import IdPrefix, encode_id
from app.integrity.checks import CHECKS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """Something that is not as it must be. `root` is what a page names it by: looking there again tells if it heals."""

    check: str
    subject_id: str
    message: str
    root: UUID

    @classmethod
    def of(
        cls, check: str, root: UUID, prefix: str, subject: UUID, numbers: Mapping[str, object]
    ) -> Violation:
        """Say in the check's words what is wrong with a row."""
        message = CHECKS[check].sentence.format_map(numbers)
        return cls(check=check, subject_id=encode_id(IdPrefix(prefix), subject), message=message, root=root)

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same violation when it is found again."""
        return (self.check, self.subject_id)
