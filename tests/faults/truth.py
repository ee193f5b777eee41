"""What really happened at the gateway, as its truth log has it: events to deliver, payments to compare with."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

Object = dict[str, Any]
"""A payment as the sandbox shows it."""


class Truth:
    """The log, read as it grows."""

    def __init__(self, path: Path) -> None:
        self.payments: dict[str, Object] = {}
        """The newest form of every payment, by the gateway's id."""
        self._file = path.open("rb")
        self._rest = b""

    def news(self) -> list[Object]:
        """Return the events since this was last asked."""
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        events: list[Object] = []
        for line in lines:
            events.extend(orjson.loads(line).get("events", ()))
        for event in events:
            shown = event["data"]["object"]
            self.payments[shown["id"]] = shown
        return events

    def of_orders(self, order_ids: set[UUID]) -> dict[str, list[Object]]:
        """Return these orders' payments, by our own id of each."""
        wanted = {str(order_id) for order_id in order_ids}
        found: dict[str, list[Object]] = defaultdict(list)
        for payment in self.payments.values():
            if payment["metadata"].get("order_id") in wanted:
                found[payment["metadata"]["payment_id"]].append(payment)
        return found

    def close(self) -> None:
        """Close the file."""
        self._file.close()
