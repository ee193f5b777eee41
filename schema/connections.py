"""Pages of lists, by Relay's connections: forward only, bounded, from a cursor on."""

from collections.abc import Sequence

import strawberry

from app.domain.errors import DomainError, ErrorCode
from app.views import PAGE_MAX
from schema.scalars import Cursor


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """What is before and after a page."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: Cursor | None
    end_cursor: Cursor | None


def page_info(cursors: Sequence[Cursor], *, has_more: bool, after: str | None) -> PageInfo:
    """Return what is before and after a page that was asked for from `after` on."""
    return PageInfo(
        has_next_page=has_more,
        has_previous_page=after is not None,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
    )


def page_size(first: int | None, default: int) -> int:
    """Return how many things a page is to hold.

    Raises:
        DomainError: INVALID unless it is 1 to PAGE_MAX.
    """
    if first is None:
        return default
    if not 1 <= first <= PAGE_MAX:
        raise DomainError(ErrorCode.INVALID, f"first is 1 to {PAGE_MAX}.", ("first",))
    return first
