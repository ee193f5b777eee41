"""A browser that was frozen for longer than the server waits: it comes back by itself, and has missed nothing."""

from __future__ import annotations

import socket

from app.error_catalog import CloseCode
from app.sockets import SocketLimits, Sockets
from schema import SUBPROTOCOL
from tests.journey.doors import eventually
from tests.journey.test_graphql_ws_client import SCRIPT
from tests.official_clients import PACKAGES, node_with, official_client
from tests.schema.shop import BEGINNING, Shop, _served


async def test_a_client_that_was_frozen_comes_back_by_itself_and_has_missed_nothing(shop: Shop) -> None:
    node = node_with("graphql-ws")
    guest = await shop.order()
    sockets = Sockets(subprotocol=SUBPROTOCOL, limits=SocketLimits(beat_seconds=0.5, closing_seconds=0.2))

    async def is_alone() -> bool:
        return sockets.number == 0

    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings = {
            "packages": str(PACKAGES),
            "url": f"ws://127.0.0.1:{listener.getsockname()[1]}/graphql",
            "orderId": guest.order_id,
            "token": guest.token,
            "after": BEGINNING,
        }
        async with (
            _served(shop.app, listener, sockets),
            official_client(node, SCRIPT, settings) as watcher,
        ):
            await watcher.until(lambda: watcher.versions == [1])
            watcher.freeze()
            await eventually(is_alone)
            await shop.open_payment(guest)
            watcher.thaw()
            await watcher.until(lambda: len(watcher.of_kind("closed")) == 1)
            await watcher.reconnect()
            await watcher.until(lambda: watcher.versions == [1, 2])
            await watcher.until(lambda: watcher.frames("orderUpdated")[-1]["version"] == 2)

    (closed,) = watcher.of_kind("closed")
    assert closed["code"] == CloseCode.TRY_AGAIN_LATER
    assert sockets.shed == 1
    assert watcher.of_kind("error") == []
