"""What front ends do to a server: GraphQL over HTTP, and the websocket that watches an order."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import websockets

from app.domain.ids import IdPrefix, encode_id
from tests.schema.shop import PROTOCOL, Client
from tests.system.processes import STAFF_KEY
from tests.system.wire import ask, request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.domain.order import Order
    from tests.system.processes import Server

_ERRORS: Final = "errors { code message field }"
_ACTION: Final = "nextAction { __typename ... on ClientSdkAction { parameters } }"
_PAYLOAD: Final = f"payment {{ id status reference {_ACTION} }} {_ERRORS}"
_STATE: Final = """
  status paymentStatus version paid { amount } refunded { amount } balance { amount } paymentInProgress
  payments {
    status authorized { amount } captured { amount } refunded { amount } lastError { code declineCode }
    attempts { status failure { code } } refunds { status amount { amount } } }
"""
UPDATED: Final = "subscription ($id: ID!) { orderUpdated(id: $id) { version status paymentStatus } }"
EVENTS: Final = """
subscription ($id: ID!, $after: Cursor) { orderEvents(orderId: $id, after: $after) { version type source } }"""


@dataclass(frozen=True, slots=True)
class Guest:
    """An order and the token that opens it."""

    order_id: str
    token: str


@dataclass(frozen=True, slots=True)
class Shop:
    """A server as front ends see it. Every payload is returned as it came, its `errors` included."""

    server: Server

    async def run(self, query: str, variables: object = None, *, key: str | None = None) -> dict[str, Any]:
        """Run an operation without GraphQL errors and return its data."""
        body = json.dumps({"query": query, "variables": variables or {}}).encode()
        headers = {"content-type": "application/json"}
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        answer = await ask(self.server.port, request("POST", "/graphql", body, headers))
        assert answer.status == 200, answer
        assert "errors" not in answer.json, answer.json
        data: dict[str, Any] = answer.json["data"]
        return data

    async def order(self, amount: str = "499.00", currency: str = "INR") -> Guest:
        """Put a product into the catalogue and order one of it as a guest."""
        product = {"sku": "TEA", "name": "Tea", "unitPrice": {"amount": amount, "currency": currency}}
        await self._mutate("productUpsert", "ProductUpsertInput", product, _ERRORS, STAFF_KEY)
        given = {"lines": [{"sku": "TEA", "quantity": 1}], "idempotencyKey": _key()}
        payload = await self._mutate(
            "orderCreate", "OrderCreateInput", given, f"order {{ id }} accessToken {_ERRORS}"
        )
        return Guest(payload["order"]["id"], payload["accessToken"])

    async def guest_of(self, order: Order) -> Guest:
        """Have staff make a key to an order that stands in the database."""
        query = "mutation ($id: ID!) { orderAccessTokenCreate(orderId: $id) { accessToken } }"
        order_id = encode_id(IdPrefix.ORDER, order.id)
        data = await self.run(query, {"id": order_id}, key=STAFF_KEY)
        return Guest(order_id, data["orderAccessTokenCreate"]["accessToken"])

    async def pay(self, guest: Guest, gateway: str, **more: object) -> dict[str, Any]:
        """Open a payment of the whole order and return it."""
        given = {"orderId": guest.order_id, "gateway": gateway, "idempotencyKey": _key(), **more}
        payload = await self._mutate("paymentCreate", "PaymentCreateInput", given, _PAYLOAD, guest.token)
        assert payload["errors"] == []
        payment: dict[str, Any] = payload["payment"]
        return payment

    async def confirm(self, guest: Guest, payment_id: str, data: object) -> dict[str, Any]:
        """Hand in what the browser's SDK came back with."""
        given = {"paymentId": payment_id, "gatewayData": data, "idempotencyKey": _key()}
        return await self._mutate("paymentConfirm", "PaymentConfirmInput", given, _PAYLOAD, guest.token)

    async def sync(self, guest: Guest, payment_id: str) -> dict[str, Any]:
        """Have the gateway asked."""
        query = f"mutation ($id: ID!) {{ paymentSync(id: $id) {{ {_PAYLOAD} }} }}"
        payload: dict[str, Any] = (await self.run(query, {"id": payment_id}, key=guest.token))["paymentSync"]
        return payload

    async def capture(self, payment_id: str, **more: object) -> dict[str, Any]:
        """Take what is held, as staff."""
        given = {"paymentId": payment_id, "idempotencyKey": _key(), **more}
        return await self._mutate("paymentCapture", "PaymentCaptureInput", given, _PAYLOAD, STAFF_KEY)

    async def refund(self, payment_id: str, **more: object) -> dict[str, Any]:
        """Give back, as staff."""
        given = {"paymentId": payment_id, "idempotencyKey": _key(), **more}
        wanted = f"refund {{ status amount {{ amount }} }} {_ERRORS}"
        return await self._mutate("refundCreate", "RefundCreateInput", given, wanted, STAFF_KEY)

    async def state(self, guest: Guest) -> dict[str, Any]:
        """Return everything about an order that does not differ from run to run."""
        query = f"query ($id: ID!) {{ order(id: $id) {{ {_STATE} }} }}"
        order: dict[str, Any] = (await self.run(query, {"id": guest.order_id}, key=guest.token))["order"]
        return order

    async def timeline(self, guest: Guest) -> list[tuple[int, str, str]]:
        """Return version, type and source of the order's events."""
        query = "query ($id: ID!) { order(id: $id) { events { nodes { version type source } } } }"
        order = (await self.run(query, {"id": guest.order_id}, key=guest.token))["order"]
        return [(event["version"], event["type"], event["source"]) for event in order["events"]["nodes"]]

    async def newest_cursor(self, guest: Guest) -> str:
        """Return the cursor of the newest event."""
        query = "query ($id: ID!) { order(id: $id) { events { pageInfo { endCursor } } } }"
        order = (await self.run(query, {"id": guest.order_id}, key=guest.token))["order"]
        cursor: str = order["events"]["pageInfo"]["endCursor"]
        return cursor

    @contextlib.asynccontextmanager
    async def socket(self, token: str) -> AsyncIterator[Client]:
        """Open a websocket as the guest with that token."""
        async with self._begun(token) as client:
            assert await client.receive() == {"type": "connection_ack"}
            yield client

    async def turned_away(self, token: str) -> int | None:
        """Try to open a websocket, and return the code that it is closed with."""
        async with self._begun(token) as client:
            return await client.close_code()

    @contextlib.asynccontextmanager
    async def _begun(self, token: str) -> AsyncIterator[Client]:
        url = f"ws://127.0.0.1:{self.server.port}/graphql"
        async with websockets.connect(url, subprotocols=[PROTOCOL], compression=None) as connection:
            client = Client(connection)
            await client.send({"type": "connection_init", "payload": {"orderAccessToken": token}})
            yield client

    async def _mutate(
        self, name: str, input_type: str, given: object, wanted: str, key: str | None = None
    ) -> dict[str, Any]:
        query = f"mutation ($input: {input_type}!) {{ {name}(input: $input) {{ {wanted} }} }}"
        payload: dict[str, Any] = (await self.run(query, {"input": given}, key=key))[name]
        return payload


def _key() -> str:
    return str(uuid4())
