"""A defect to be planted: one piece of the source in place of another, and the tests that owe it to us to fail."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """What somebody might get wrong. `old` stands in `file` exactly once."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    """Node ids, cheapest first: what is run is no more than these."""

    def plant(self, source: str) -> str:
        """Return the source with the defect in it.

        Raises:
            ValueError: the source has moved on, and the defect no longer fits it.
        """
        if source.count(self.old) != 1:
            raise ValueError(
                f"{self.name}: what it replaces is in {self.file} {source.count(self.old)} times"
            )
        return source.replace(self.old, self.new)
