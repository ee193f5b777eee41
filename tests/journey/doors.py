"""What a shop's own programs can do from outside: GraphQL, the gateway's API, the figures.

The journeys know the product by its addresses and keys alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import httpx2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping

DEADLINE_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.02

_ORDER: Final = """
mutation ($input: OrderCreateInput!) {
  orderCreate(input: $input) { order { id number } accessToken errors { code message } }
}"""
_PAY: Final = """
mutation ($input: PaymentCreateInput!) {
  paymentCreate(input: $input) {
    payment { id reference nextAction { ... on RedirectAction { url } } } errors { code message }
  }
}"""
_SYNC: Final = "mutation ($id: ID!) { paymentSync(id: $id) { payment { status } errors { code message } } }"
_REFUND: Final = """
mutation ($input: RefundCreateInput!) {
  refundCreate(input: $input) { refund { id status } errors { code message } }
}"""
_PACK: Final = """
mutation ($input: OrderFulfillInput!) { orderFulfill(input: $input) { order { id } errors { code message } } }
"""
_HISTORY: Final = """
query ($token: String!) {
  orderByAccessToken(token: $token) {
    id number status paymentStatus version paid { amount } refunded { amount }
    payments { id reference status lastError { code declineCode message } attempts { status } }
    events(first: 100) { nodes { cursor version type source message occurredAt } }
  }
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An order and the token that opens it."""

    id: str
    number: str
    token: str

    @property
    def path(self) -> str:
        """Where it is tracked."""
        return f"/track/{self.token}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """The ways into one running shop."""

    url: str
    sandbox_url: str
    staff_key: str
    sandbox_key: str
    webhook_secret: str

    async def ask(self, query: str, variables: object, *, key: str | None = None) -> dict[str, Any]:
        """Run one GraphQL operation that neither breaks nor is refused; return its only field."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        body = {"query": query, "variables": variables}
        async with httpx2.AsyncClient(trust_env=False, timeout=DEADLINE_SECONDS) as client:
            answer = (await client.post(f"{self.url}/graphql", json=body, headers=headers)).json()
        assert "errors" not in answer, answer
        payload: dict[str, Any]
        (payload,) = answer["data"].values()
        assert not payload.get("errors"), payload
        return payload

    async def place_order(self, skus: Mapping[str, int] | None = None, email: str | None = None) -> Placed:
        """Order a packet of tea for 449 rupees, or so much of each SKU, as a guest."""
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in (skus or {"TEA-ASSAM": 1}).items()]
        given = {"lines": lines, "customerEmail": email, "idempotencyKey": str(uuid4())}
        answer = await self.ask(_ORDER, {"input": given})
        return Placed(id=answer["order"]["id"], number=answer["order"]["number"], token=answer["accessToken"])

    async def open_payment(self, order: Placed, capture_method: str = "AUTOMATIC") -> dict[str, Any]:
        """Open a payment at the sandbox."""
        given = {
            "orderId": order.id,
            "gateway": "SANDBOX",
            "captureMethod": capture_method,
            "idempotencyKey": str(uuid4()),
        }
        payment: dict[str, Any] = (await self.ask(_PAY, {"input": given}, key=order.token))["payment"]
        return payment

    async def pay(self, order: Placed, capture_method: str = "AUTOMATIC") -> dict[str, Any]:
        """Open a payment and pay it at the gateway's API with the card that succeeds; the webhook tells the shop."""
        payment = await self.open_payment(order, capture_method)
        await self.gateway("POST", f"/v1/payments/{payment['reference']}/_pay", {"card": "4242424242424242"})
        return payment

    async def stray_money(self, amount_minor: int) -> str:
        """Have rupees paid at the gateway that no payment here knows of; return its reference."""
        asked = {"amount": amount_minor, "currency": "INR", "metadata": {"order_number": "nobody's"}}
        payment = await self.gateway("POST", "/v1/payments", asked)
        await self.gateway("POST", f"/v1/payments/{payment['id']}/_pay", {"card": "4242424242424242"})
        return str(payment["id"])

    async def sync(self, payment_id: str, token: str) -> None:
        """Have the shop ask the gateway now, as the guest."""
        await self.ask(_SYNC, {"id": payment_id}, key=token)

    async def refund(self, payment_id: str, rupees: str | None = None, reason: str = "Asked for it") -> None:
        """Give all of a payment back, or so much of it, as staff."""
        amount = {"amount": rupees, "currency": "INR"} if rupees else None
        given = {
            "paymentId": payment_id,
            "amount": amount,
            "reason": reason,
            "idempotencyKey": str(uuid4()),
        }
        await self.ask(_REFUND, {"input": given}, key=self.staff_key)

    async def pack(self, order: Placed) -> None:
        """Begin to put an order together, as staff."""
        given = {"orderId": order.id, "status": "PREPARING", "idempotencyKey": str(uuid4())}
        await self.ask(_PACK, {"input": given}, key=self.staff_key)

    async def history(self, token: str) -> dict[str, Any]:
        """Return the order that a token opens, with its payments and events."""
        return await self.ask(_HISTORY, {"token": token})

    async def told(self, token: str) -> list[tuple[str, str]]:
        """Return what happened to an order and who told it; versions have no gap."""
        events = (await self.history(token))["events"]["nodes"]
        assert [event["version"] for event in events] == list(range(1, len(events) + 1))
        return [(event["type"], event["source"]) for event in events]

    async def refuses(self, token: str) -> bool:
        """Whether a token opens nothing (any more)."""
        async with httpx2.AsyncClient(trust_env=False) as client:
            headers = {"authorization": f"Bearer {token}"}
            answer = await client.post(
                f"{self.url}/graphql", json={"query": "{ __typename }"}, headers=headers
            )
        return answer.status_code == 401

    async def is_confirmed(self, order: Placed) -> bool:
        """Whether the shop has taken an order's payment in."""
        return bool((await self.history(order.token))["status"] == "CONFIRMED")

    async def gateway(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Call the gateway's API with its secret key."""
        headers = {"authorization": f"Bearer {self.sandbox_key}", "idempotency-key": str(uuid4())}
        async with httpx2.AsyncClient(base_url=self.sandbox_url, trust_env=False) as client:
            response = await client.request(method, path, json=body, headers=headers)
        assert response.is_success, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def success_event(self, reference: str) -> dict[str, Any]:
        """Return the gateway's event that a payment succeeded, and how its deliveries went."""
        events = (await self.gateway("GET", "/v1/events"))["data"]
        (found,) = [
            event["id"]
            for event in events
            if (event["type"], event["data"]["object"]["id"]) == ("payment.succeeded", reference)
        ]
        return await self.gateway("GET", f"/v1/events/{found}")

    async def success_is(self, delivery: str, reference: str, *, attempts: int = 1) -> bool:
        """Whether the webhook of a payment's success has come so far, after so many attempts."""
        event = await self.success_event(reference)
        return (event["delivery"], event["attempts_made"]) == (delivery, attempts)

    async def charged(self, order: Placed) -> list[tuple[int, int]]:
        """Return how often each payment of an order was charged at the gateway, and minor units captured."""
        payments = (await self.gateway("GET", "/v1/_truth"))["payments"]
        return [
            (payment["charges"], payment["captured"])
            for payment in payments
            if payment["metadata"]["order_number"] == order.number
        ]

    @contextlib.asynccontextmanager
    async def chaos(self, **knobs: object) -> AsyncIterator[None]:
        """Let the gateway misbehave while the block lasts."""
        await self.gateway("PUT", "/v1/_chaos", knobs)
        try:
            yield
        finally:
            await self.gateway("DELETE", "/v1/_chaos")

    async def subscriptions(self) -> float:
        """Return how many subscriptions are open."""
        async with httpx2.AsyncClient(trust_env=False) as client:
            figures = (await client.get(f"{self.url}/metrics")).text
        found = re.search(r"^orderpulse_subscriptions (\S+)$", figures, re.MULTILINE)
        assert found is not None, figures
        return float(found[1])

    async def has_subscriptions(self, number: float) -> bool:
        """Whether so many subscriptions are open."""
        return await self.subscriptions() == number


async def eventually(
    holds: Callable[[], Coroutine[Any, Any, bool]],
    seconds: float = DEADLINE_SECONDS,
    why: Callable[[], str] = str,
) -> None:
    """Wait until `holds()`; fail after the deadline, with what `why()` says."""
    deadline = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < deadline, f"It did not happen within {seconds:g} s. {why()}"
        await asyncio.sleep(_POLL_SECONDS)
