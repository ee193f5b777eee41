"""The list of events, newest first, in pages."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from app.simulators.paypal.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def list_events(events: Sequence[Mapping[str, Any]], query: Mapping[str, str], url: str) -> dict[str, Any]:
    """Return one page of the events between two times, both included."""
    try:
        size = int(query.get("page_size", "10"))
        page = int(query.get("page", "1"))
        start = datetime.fromisoformat(query.get("start_time", "1970-01-01T00:00:00Z"))
        end = datetime.fromisoformat(query.get("end_time", "9999-12-31T00:00:00Z"))
        found = [event for event in events if start <= datetime.fromisoformat(event["create_time"]) <= end]
    except (TypeError, ValueError):
        raise ApiError(400, "VALIDATION_ERROR") from None
    found.reverse()
    shown = found[(page - 1) * size : page * size]
    links = []
    if page * size < len(found):
        more = urlencode({**query, "page": page + 1})
        href = f"{url}/v1/notifications/webhooks-events?{more}"
        links.append({"href": href, "rel": "next", "method": "GET"})
    return {"events": shown, "count": len(shown), "links": links}
