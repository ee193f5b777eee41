"""How long from a webhook sent to the frame received by the browser that watches its order."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Final

from websockets.asyncio.client import connect

from bench.driver import quantile, send_all
from bench.servers import STAFF_KEY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.dataset import Delivery

PER_SECOND: Final = 50
_SUBSCRIPTION: Final = """
subscription ($id: ID!) {
  orderUpdated(id: $id) { id version status paymentStatus paid { amount currency } payments { id status } }
}
"""


async def measure_push(port: int, deliveries: Sequence[Delivery]) -> tuple[float, float]:
    """Watch every order, pay them at a steady rate, and return p50 and p99 of sent → received, in milliseconds."""
    sent: dict[str, float] = {}
    received: dict[str, float] = {}
    ready = [asyncio.Event() for _ in deliveries]
    watchers = [
        asyncio.create_task(_watch(port, each.public_order_id, received, event))
        for each, event in zip(deliveries, ready, strict=True)
    ]
    await asyncio.gather(*[event.wait() for event in ready])
    for each in deliveries:
        sent[each.public_order_id] = time.perf_counter()
        await send_all(port, [each], 1)
        await asyncio.sleep(max(0.0, sent[each.public_order_id] + 1 / PER_SECOND - time.perf_counter()))
    await asyncio.gather(*watchers)
    taken = sorted(received[order_id] - at for order_id, at in sent.items())
    return quantile(taken, 0.5) * 1000, quantile(taken, 0.99) * 1000


async def _watch(port: int, order_id: str, received: dict[str, float], ready: asyncio.Event) -> None:
    async with connect(f"ws://127.0.0.1:{port}/graphql", subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]  # a Subprotocol is a str
        await socket.send(
            json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {STAFF_KEY}"}})
        )
        payload = {"query": _SUBSCRIPTION, "variables": {"id": order_id}}
        await socket.recv()
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        async for frame in socket:
            message = json.loads(frame)
            assert message["type"] == "next", message
            order = message["payload"]["data"]["orderUpdated"]
            if order["paymentStatus"] == "PAID":
                received[order_id] = time.perf_counter()
                return
            ready.set()
