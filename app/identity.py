"""New ids: UUIDv7, so that keys made one after the other lie side by side in every index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uuid_utils.compat import uuid7

if TYPE_CHECKING:
    from uuid import UUID


def new_id() -> UUID:
    """Return a UUIDv7 of this moment; rising within this process."""
    return uuid7()
