"""Walking through Stripe's events oldest first, though Stripe lists them newest first.

The time before a page is halved until one page holds what happened in it, so that a few pages are in memory at
once, however many there are, and a reader that stops half-way knows how far it came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from app.gateways.contract import GatewayError, GatewayErrorKind
from app.gateways.stripe.fields import Json, number, required_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

PAGE_SIZE: Final = 100
"""The most that Stripe lists at once."""
_PAGES_MAX: Final = 2_000


@dataclass(slots=True)
class Backlog:
    """One walk. `list_page` asks for one page of events with the given parameters."""

    list_page: Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
    pages_left: int = _PAGES_MAX

    async def events(self, since_seconds: int) -> AsyncIterator[Json]:
        """Yield every event from `since_seconds` on, oldest first."""
        async for event in self._between(since_seconds, _END):
            yield event

    async def _between(self, lower: int, upper: int) -> AsyncIterator[Json]:
        page, has_more = await self._page(_window(lower, upper))
        oldest = min((_created(event) for event in page), default=lower)
        if has_more and oldest > lower:
            # The page is whole but for its oldest second; what came before it is walked in two halves.
            middle = (lower + oldest) // 2 + 1
            for half in (self._between(lower, middle), self._between(middle, oldest + 1)):
                async for event in half:
                    yield event
            page = [event for event in page if _created(event) > oldest]
        elif has_more:  # too many for a page in one second: take them all
            page += [event async for event in self._rest(lower, upper, page)]
        page.reverse()  # of events in the same second, the one listed last came first
        for event in sorted(page, key=_created):
            yield event

    async def _rest(self, lower: int, upper: int, page: list[Json]) -> AsyncIterator[Json]:
        has_more = True
        while has_more and page:
            last = required_text(page[-1], "id")
            page, has_more = await self._page({**_window(lower, upper), "starting_after": last})
            for event in page:
                yield event

    async def _page(self, parameters: Mapping[str, Any]) -> tuple[list[Json], bool]:
        if not self.pages_left:
            raise GatewayError(
                GatewayErrorKind.UNAVAILABLE,
                f"Stripe has more than {_PAGES_MAX} pages of events to tell; go on from the last one read.",
                code="too_many_events",
            )
        self.pages_left -= 1
        answer = await self.list_page({**parameters, "limit": PAGE_SIZE})
        return list(answer["data"]), answer.get("has_more") is True


_END: Final = 2**53
"""No upper bound."""


def _window(lower: int, upper: int) -> dict[str, Any]:
    return {"created": {"gte": lower} if upper == _END else {"gte": lower, "lt": upper}}


def _created(event: Json) -> int:
    return number(event, "created") or 0
