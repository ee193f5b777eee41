"""Walking through PayPal's events oldest first, though PayPal lists them newest first: a day at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

from app.gateways.contract import GatewayError, GatewayErrorKind
from app.gateways.paypal.calls import unreadable
from app.gateways.paypal.fields import Json, link, listed, moment, text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

_PATH: Final = "/v1/notifications/webhooks-events"
_PAGE_SIZE: Final = 100
_PAGES_MAX: Final = 200
"""Of one day."""
_DAY: Final = timedelta(days=1)
_KEPT: Final = timedelta(days=30)
"""Source: developer.paypal.com/docs/api/webhooks/v1, "List event notifications", read in November 2026."""


async def events_since(
    get: Callable[[str], Awaitable[dict[str, Any]]], since: datetime, now: datetime
) -> AsyncIterator[Json]:
    """Yield every event from `since` on, oldest first, as far back as PayPal keeps them.

    Raises:
        GatewayError: as any call.
    """
    start = max(since.astimezone(UTC), now - _KEPT)
    told: set[str] = set()  # both ends of a day belong to it
    while start <= now:
        end = min(start + _DAY, now)
        found = await _between(get, start, end)
        for _, event_id, event in found:
            if event_id not in told:
                yield event
        told = {event_id for _, event_id, _ in found}
        if end >= now:
            return
        start = end


async def _between(
    get: Callable[[str], Awaitable[dict[str, Any]]], start: datetime, end: datetime
) -> list[tuple[datetime, str, Json]]:
    query = urlencode({"page_size": _PAGE_SIZE, "start_time": _written(start), "end_time": _written(end)})
    path = f"{_PATH}?{query}"
    found: dict[str, tuple[datetime, str, Json]] = {}
    for _ in range(_PAGES_MAX):
        page = await get(path)
        try:
            for event in listed(page, "events"):
                event_id = text(event, "id")
                if event_id is None:
                    continue  # nothing that could be known by it
                found[event_id] = (moment(event, "create_time") or start, event_id, event)
            following = _next(page)
        except ValueError as error:
            raise unreadable(error) from error
        if following is None:
            return sorted(found.values(), key=lambda entry: entry[:2])
        path = following
    raise GatewayError(
        GatewayErrorKind.UNAVAILABLE,
        f"PayPal has more than {_PAGES_MAX} pages of events of one day to tell.",
        code="too_many_events",
    )


def _next(page: Json) -> str | None:
    """Return where the next page is, at PayPal's API whatever host the link names."""
    url = link(page, "next")
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.path != _PATH or not parts.query:
        raise ValueError("the link to the next page leads elsewhere")
    return f"{_PATH}?{parts.query}"


def _written(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
