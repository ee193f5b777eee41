"""One shop with every gateway that there is, each played by its simulator: found by their files, listed nowhere."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import httpx2
import websockets

from app.cli.chaos.world import open_world
from app.gateways.registry import gateway_modules
from db import jobs
from tests.schema.shop import PROTOCOL, Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from app.cli.chaos.world import World
    from app.simulators.kit.client import ControlClient

DEADLINE_SECONDS: Final = 20.0
AGAIN_SECONDS: Final = 0.1
NAMES: Final = sorted(gateway_modules())
_ORDER: Final = """
mutation ($input: OrderCreateInput!) {
  orderCreate(input: $input) { order { id } accessToken errors { code message } }
}"""
_OFFERS: Final = "query ($id: ID!) { paymentGateways(orderId: $id) { gateway methods currencies } }"
_PAY: Final = """
mutation ($input: PaymentCreateInput!) {
  paymentCreate(input: $input) {
    payment { id reference nextAction {
      __typename ... on UpiIntentAction { uri } ... on QrCodeAction { payload imageSvg }
    } }
    errors { code message }
  }
}"""
_REFUND: Final = """
mutation ($input: RefundCreateInput!) {
  refundCreate(input: $input) { refund { id } errors { code message } }
}"""
STATE: Final = """
  status paymentStatus paid { amount currency } refunded { amount } balance { amount }
  payments { status captured { amount } attempts { status } refunds { status amount { amount } } }
"""
_SEEN: Final = f"query ($token: String!) {{ orderByAccessToken(token: $token) {{ {STATE} }} }}"
_TOLD: Final = """
query ($token: String!) { orderByAccessToken(token: $token) { events(first: 100) { nodes { type source } } } }"""
WATCH: Final = f"subscription ($id: ID!) {{ orderUpdated(id: $id) {{ {STATE} }} }}"


@dataclass(frozen=True, slots=True)
class Guest:
    """A shopper, and the order that they may pay and watch."""

    world: GatewayWorld
    gateway: str
    order_id: str
    token: str

    @property
    def control(self) -> ControlClient:
        """Return the gateway's other side: the shopper's bank."""
        return self.world.control(self.gateway)

    async def offers(self) -> dict[str, list[str]]:
        """Return what can take this order, with its methods."""
        shown = (await self.world.run(_OFFERS, {"id": self.order_id}, self.token))["paymentGateways"]
        return {option["gateway"]: option["methods"] for option in shown}

    async def opens(self, method: str | None = None) -> dict[str, Any]:
        """Open a payment at the gateway."""
        given = {"orderId": self.order_id, "gateway": self.gateway.upper(), "method": method}
        given["returnUrl"] = f"{self.world.url}/"
        payload = await self.world.mutate("paymentCreate", _PAY, given, self.token)
        payment: dict[str, Any] = payload["payment"]
        return payment

    async def sees(self) -> dict[str, Any]:
        """Return the order as the shopper may see it."""
        seen: dict[str, Any] = (await self.world.run(_SEEN, {"token": self.token}, None))[
            "orderByAccessToken"
        ]
        return seen

    async def until(
        self, wanted: Callable[[dict[str, Any]], bool], *, hasten: bool = False
    ) -> dict[str, Any]:
        """Look until the order is as wanted; have all that is owed done at once meanwhile, if it is to be hastened."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not wanted(seen := await self.sees()):
                if hasten:
                    await jobs.hasten(self.world.world.database)
                await asyncio.sleep(AGAIN_SECONDS)
            return seen

    async def told(self) -> dict[str, str]:
        """Return what happened, and who told it."""
        shown = await self.world.run(_TOLD, {"token": self.token}, None)
        return {node["type"]: node["source"] for node in shown["orderByAccessToken"]["events"]["nodes"]}

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[Client]:
        """Watch the order over a websocket."""
        url = f"{self.world.url.replace('http', 'ws', 1)}/graphql"
        async with websockets.connect(url, subprotocols=[PROTOCOL], compression=None) as connection:
            client = Client(connection)
            await client.send({"type": "connection_init", "payload": {"orderAccessToken": self.token}})
            assert (await client.receive())["type"] == "connection_ack"
            await client.subscribe(WATCH, {"id": self.order_id})
            yield client


@dataclass(frozen=True, slots=True)
class GatewayWorld:
    """The shop."""

    world: World
    http: httpx2.AsyncClient

    @property
    def url(self) -> str:
        """Where it is."""
        return self.world.url

    def control(self, gateway: str) -> ControlClient:
        """Return the other side of a gateway."""
        return next(each.control for each in self.world.simulators if each.name == gateway)

    async def calm(self) -> None:
        """Have nothing go wrong any more."""
        for each in self.world.simulators:
            await each.control.set_chaos()

    async def guest(self, gateway: str) -> Guest:
        """Have someone order tea for 499 of the currency that the gateway takes."""
        price = {"amount": "499.00", "currency": "USD" if gateway == "paypal" else "INR"}
        line = {"sku": "TEA", "name": "Tea", "quantity": 1, "unitPrice": price}
        key = self.world.shop.staff_key  # prices that are not the catalogue's are staff's to say
        payload = await self.mutate("orderCreate", _ORDER, {"lines": [line]}, key)
        return Guest(self, gateway, payload["order"]["id"], payload["accessToken"])

    async def refund(self, payment_id: str, guest: Guest, amount: str | None = None) -> None:
        """Give a payment back, or a part of it, as staff."""
        given: dict[str, Any] = {"paymentId": payment_id, "reason": "One was broken"}
        if amount:
            paid = (await guest.sees())["paid"]
            given["amount"] = {**paid, "amount": amount}
        await self.mutate("refundCreate", _REFUND, given, self.world.shop.staff_key)

    async def mutate(self, name: str, query: str, given: dict[str, Any], key: str) -> dict[str, Any]:
        """Run a mutation that is not refused, and return its payload."""
        answer = await self.run(query, {"input": {**given, "idempotencyKey": str(uuid4())}}, key)
        payload: dict[str, Any] = answer[name]
        assert payload["errors"] == []
        return payload

    async def run(self, query: str, variables: dict[str, Any], key: str | None) -> dict[str, Any]:
        """Run an operation that doesn't fail."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        body = {"query": query, "variables": variables}
        answer = (await self.http.post(f"{self.url}/graphql", json=body, headers=headers)).json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data


@contextlib.asynccontextmanager
async def gateway_world() -> AsyncIterator[GatewayWorld]:
    """Run the shop on a database of its own."""
    async with open_world(NAMES) as world, httpx2.AsyncClient(trust_env=False, timeout=30.0) as http:
        yield GatewayWorld(world, http)
