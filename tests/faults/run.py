"""One run: what a small shop, its shoppers and its gateway do, in order, whatever happens to the server meanwhile."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

import orjson

from app.domain.ids import decode_id
from tests.faults.insisting import Client, Gateway
from tests.faults.planting import FaultError
from tests.faults.points import by_name
from tests.faults.waiting import UnexpectedError, deadline
from tests.system.processes import STAFF_KEY
from tests.system.shop import Guest

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from tests.faults.board import Action
    from tests.faults.stage import Stage
    from tests.faults.truth import Object

GOOD: Final = "4242424242424242"
DECLINED: Final = "4000000000000002"
REFUND_FAILS: Final = "4000000000007726"
ASKS_SHOPPER: Final = "4000002500003155"
DISPUTED: Final = "4000000000000259"
MENDING_ROUNDS_MAX: Final = 20


@dataclass
class Run:
    """The doings of one run; `order_ids` are all the orders that it made."""

    stage: Stage
    dice: random.Random
    gateway: Gateway
    client: Client
    order_ids: set[UUID] = field(default_factory=set)
    hopeless: dict[str, str] = field(default_factory=dict)
    """Deliveries that can't be applied and have to be kept as that, and the id that each is kept under."""
    given_up: set[UUID] = field(default_factory=set)
    """What jobs are about that have to be given up, or payments that nobody asks after any more."""

    @classmethod
    def on(cls, stage: Stage, dice: random.Random) -> Run:
        """Begin a run on a stage."""
        port = stage.server.port
        return cls(stage, dice, Gateway(port, stage.truth, dice), Client(port))

    @property
    def answered(self) -> int:
        """How many requests had an answer so far."""
        return sum((self.gateway.statuses.answered + self.client.statuses.answered).values())

    @property
    def unanswered(self) -> int:
        """How many requests had no answer so far."""
        return self.gateway.statuses.unanswered + self.client.statuses.unanswered

    def accomplice(self, name: str, action: Action, *, skip: int = 0) -> None:
        """Have a second point bring about what the run needs."""
        self.stage.server.board.arm(by_name()[name], action, skip=skip, accomplice=True)

    async def order(self, amount: str = "499.00", **more: object) -> Guest:
        """Order something of that price, as staff."""
        price = {"amount": amount, "currency": "INR"}
        given = {
            "lines": [{"sku": f"TEA-{amount}", "name": "Tea", "quantity": 1, "unitPrice": price}],
            **more,
        }
        payload = await self.client.call("orderCreate", given)
        if payload["errors"]:
            raise UnexpectedError(f"an order is refused: {payload}")
        self.order_ids.add(uuid_of(payload["order"]["id"]))
        return Guest(payload["order"]["id"], payload["accessToken"])

    async def open(self, guest: Guest, key: str | None = None, **more: Any) -> Object:  # noqa: ANN401 - JSON
        """Open a payment, and return its payload."""
        given = {"orderId": guest.order_id, "gateway": "SANDBOX", **more}
        return await self.client.call("paymentCreate", given, guest.token, key)

    async def opened(self, guest: Guest, **more: Any) -> Object:  # noqa: ANN401 - JSON
        """Open a payment that the gateway takes, and return it."""
        payload = await self.open(guest, **more)
        payment: Object | None = payload["payment"]
        if payment is None:
            raise UnexpectedError(f"a payment is refused: {payload}")
        return payment

    async def pay(self, payment: Object, card: str = GOOD) -> Object:
        """Do what the shopper does at the checkout page; return what the gateway answers."""
        answer: Object = await self.stage.sandbox(
            "POST", f"/v1/payments/{payment['reference']}/_pay", {"card": card}
        )
        return answer

    async def on_payment(
        self,
        name: str,
        payment: Object,
        *,
        key: str | None = None,
        **more: Any,  # noqa: ANN401 - JSON
    ) -> Object:
        """Call a mutation about a payment, as staff."""
        return await self.client.call(name, {"paymentId": payment["id"], **more}, key=key)

    async def achieve(self, name: str, payment: Object, **more: Any) -> None:  # noqa: ANN401 - JSON
        """Call a mutation about a payment that nothing stands against, as staff."""
        await self.client.achieve(name, {"paymentId": payment["id"], **more})

    async def sync(self, payment: Object, token: str = STAFF_KEY) -> None:
        """Have the gateway asked."""
        query = "mutation ($id: ID!) { paymentSync(id: $id) { errors { code } } }"
        await self.client.run(query, {"id": payment["id"]}, token)

    async def chaos(self, operation: str, answer: int | str, times: int = 1) -> None:
        """Have the gateway fail, once unless told otherwise."""
        fault = {"answer": answer, "times": times}
        await self.stage.sandbox("PUT", "/v1/_chaos", {"api_fail": {operation: fault}})

    async def chaos_at(self, **answers: int) -> None:
        """Have several operations fail, each once."""
        faults = {operation: {"answer": answer, "times": 1} for operation, answer in answers.items()}
        await self.stage.sandbox("PUT", "/v1/_chaos", {"api_fail": faults})

    async def told_all(self) -> None:
        """Wait until the server knows all that happened, and what a fault had it put aside was sent again."""
        for _ in range(MENDING_ROUNDS_MAX):
            await self.gateway.told_all()
            aside = await self._put_aside()
            if not aside:
                return
            await asyncio.gather(*(self.gateway.send_again(event_id) for event_id in aside))

    async def _put_aside(self) -> list[str]:
        """Return the deliveries that were kept as FAILED since a point raised, not since they can't be applied."""
        async with deadline(10, "the inbox can't be read"):
            rows = await self.stage.database.fetch(
                "SELECT external_id FROM inbox_events WHERE status = 'FAILED' AND error LIKE $1"
                " AND external_id = ANY($2)",
                f"{FaultError.__name__}%",
                list(self.gateway.bodies),
            )
        return [row["external_id"] for row in rows]

    def send_hopeless(self, event: Object, *, readable: bool = True, copies: int = 1) -> None:
        """Have an event sent that can't be applied."""
        body = orjson.dumps(event)
        kept_as = event["id"] if readable else f"sha256:{hashlib.sha256(body).hexdigest()}"
        self.hopeless[event["id"]] = kept_as
        self.gateway.send(body, copies=copies)

    def forged(self, payment: Object, **changes: Any) -> Object:  # noqa: ANN401 - JSON
        """Return an event of our own making about a payment as the gateway has it, but for the changes."""
        shown = {**self.stage.truth.payments[payment["reference"]], **changes}
        return {
            "id": f"sbx_evt_{uuid4().hex}",
            "type": "payment.succeeded",
            "created": shown["created"],
            "data": {"object": shown},
        }


def uuid_of(public_id: str) -> UUID:
    """Return the UUID of a public id."""
    decoded = decode_id(public_id)
    assert decoded is not None, public_id
    return decoded[1]


def charged(shown: Mapping[str, Any], **changes: Any) -> list[Any]:  # noqa: ANN401 - JSON
    """Return a payment's charges, with the last one changed."""
    return [*shown["charges"][:-1], {**shown["charges"][-1], **changes}]
