"""Those who insist: a gateway that sends until it hears 2xx, and a client that repeats a call under the same key."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

import orjson

from app.domain.ids import decode_id
from tests.faults.waiting import StuckError, UnexpectedError, deadline
from tests.system.deliveries import signed
from tests.system.processes import STAFF_KEY
from tests.system.wire import LOST, Answer, ask, request

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncIterator, Mapping

    from tests.faults.truth import Object, Truth

SENDER_SECONDS: Final = 0.5
"""How long a sender waits for its answer. Shorter than a hang, as gateways' time-outs are."""
DOUBLED_MAX: Final = 4
"""How often a sender that had no answer doubles its patience: a machine may be busy."""
AGAIN_SECONDS: Final = 0.02
INSIST_SECONDS_MAX: Final = 60.0
LATE_SECONDS_MAX: Final = 0.04
POLL_SECONDS: Final = 0.005
COPIES: Final = (1, 1, 2, 3)
"""How often an event is sent: which of these, the dice say."""
REFUSED_FOR_NOW: Final = frozenset({"IDEMPOTENCY_CONCURRENT_REQUEST", "GATEWAY_UNAVAILABLE", "RATE_LIMITED"})

_PAYMENT: Final = "payment { id status reference } order { id }"
_WANTED: Final = {
    "orderCreate": ("OrderCreateInput", "order { id } accessToken replayed"),
    "orderCancel": ("OrderCancelInput", "order { id status }"),
    "orderFulfill": ("OrderFulfillInput", "order { id }"),
    "paymentCreate": ("PaymentCreateInput", f"{_PAYMENT} replayed"),
    "paymentConfirm": ("PaymentConfirmInput", _PAYMENT),
    "paymentCapture": ("PaymentCaptureInput", _PAYMENT),
    "paymentCancel": ("PaymentCancelInput", _PAYMENT),
    "refundCreate": ("RefundCreateInput", "refund { id } payment { id }"),
    "suspenseResolve": ("SuspenseResolveInput", "item { id }"),
    "productUpsert": ("ProductUpsertInput", "product { id }"),
}


@dataclass
class Statuses:
    """How often which status came, and how often none."""

    answered: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0
    seconds: float = SENDER_SECONDS

    async def ask(self, port: int, sent: bytes, tries: int) -> Answer | None:
        """Send a request and return its answer; None when there was none in time, which is more with each try."""
        try:
            async with asyncio.timeout(self.seconds * 2 ** min(tries, DOUBLED_MAX)):
                answer = await ask(port, sent)
        except (*LOST, TimeoutError):
            self.unanswered += 1
            return None
        self.answered[answer.status] += 1
        return answer


@dataclass
class Gateway:
    """Sends what the sandbox tells: some of it twice, none of it in order, all of it until it was accepted."""

    port: int
    truth: Truth
    dice: random.Random
    statuses: Statuses = field(default_factory=Statuses)
    accepted: dict[str, str] = field(default_factory=dict)
    """Event id → what the inbox was said to have made of it."""
    bodies: dict[str, bytes] = field(default_factory=dict)
    insist_seconds: float = INSIST_SECONDS_MAX
    paused: bool = False
    """While nothing new is sent, so that it comes all at once afterwards."""
    _sending: set[asyncio.Task[None]] = field(default_factory=set)

    @contextlib.asynccontextmanager
    async def telling(self) -> AsyncIterator[None]:
        """Send whatever happens at the gateway while the block lasts."""
        telling = asyncio.create_task(self._tell())
        try:
            yield
        finally:
            for task in (telling, *self._sending):
                task.cancel()
            await asyncio.gather(telling, *self._sending, return_exceptions=True)

    async def told_all(self) -> None:
        """Wait until everything that happened was accepted."""
        self.paused = False
        self._send_news()
        async with deadline(self.insist_seconds, "webhooks are not accepted"):
            while self._sending:
                await asyncio.gather(*self._sending)
                self._send_news()

    @property
    def is_sending(self) -> bool:
        """Whether something waits to be accepted."""
        return bool(self._sending)

    async def accepts_more(self) -> None:
        """Wait until another delivery is accepted."""
        so_far = self.statuses.answered[200]
        async with deadline(self.insist_seconds, "nothing is accepted any more"):
            while self.statuses.answered[200] == so_far:  # noqa: ASYNC110 - many tasks' doing
                await asyncio.sleep(POLL_SECONDS)

    def send(self, body: bytes, *, copies: int = 1) -> None:
        """Send an event, so many times."""
        event_id = orjson.loads(body)["id"]
        self.bodies[event_id] = body
        for _ in range(copies):
            delay = self.dice.uniform(0, LATE_SECONDS_MAX)
            task = asyncio.create_task(self._insist(event_id, body, delay))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def send_again(self, event_id: str) -> None:
        """Send one event once more, as when its button is pressed."""
        await self._insist(event_id, self.bodies[event_id], 0)

    async def _tell(self) -> None:
        while True:
            if not self.paused:
                self._send_news()
            await asyncio.sleep(POLL_SECONDS)

    def _send_news(self) -> None:
        for event in self.truth.news():
            self.send(orjson.dumps(event), copies=self.dice.choice(COPIES))

    async def _insist(self, event_id: str, body: bytes, delay: float) -> None:
        await asyncio.sleep(delay)
        for tries in itertools.count():
            answer = await self.statuses.ask(self.port, signed(body), tries)
            if answer is not None and 200 <= answer.status < 300:
                self.accepted[event_id] = answer.json["status"]
                return
            await asyncio.sleep(AGAIN_SECONDS)


@dataclass
class Client:
    """Calls mutations, each until it has an outcome, always under the key of its first try."""

    port: int
    statuses: Statuses = field(default_factory=Statuses)
    told: list[tuple[str, UUID]] = field(default_factory=list)
    """What answers named, as table and id: it has to be there for ever."""
    keys: Counter[str] = field(default_factory=Counter)
    """How many different keys each mutation was called under."""
    outcomes: int = 0
    """How many calls had one."""
    insist_seconds: float = INSIST_SECONDS_MAX
    patient: bool = True
    """Whether a gateway that is not to be had is waited for."""

    async def call(
        self, name: str, given: Mapping[str, object], token: str | None = STAFF_KEY, key: str | None = None
    ) -> Object:
        """Call a mutation and return its payload, refusals included."""
        self.keys[name] += 1
        input_type, wanted = _WANTED[name]
        keyed = {} if name == "productUpsert" else {"idempotencyKey": key or str(uuid4())}
        query = (
            f"mutation ($input: {input_type}!) {{ {name}(input: $input) {{ {wanted} errors {{ code }} }} }}"
        )
        payload: Object = (await self.run(query, {"input": {**given, **keyed}}, token))[name]
        self._note(payload)
        self.outcomes += 1
        return payload

    async def achieve(self, name: str, given: Mapping[str, object], token: str | None = STAFF_KEY) -> None:
        """Call a mutation that nothing stands against: whatever happens meanwhile, it is done.

        Raises:
            UnexpectedError: it is refused.
        """
        payload = await self.call(name, given, token)
        if payload["errors"]:
            raise UnexpectedError(f"{name} is refused: {payload['errors']}")

    async def run(self, query: str, variables: Mapping[str, object], token: str | None) -> Object:
        """Run an operation until it has an outcome, and return its data."""
        headers = {"content-type": "application/json"}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        body = json.dumps({"query": query, "variables": variables}).encode()
        sent = request("POST", "/graphql", body, headers, close=True)
        tries = 0
        async with deadline(self.insist_seconds, query.partition("(input")[0]):
            while True:
                answer = await self.statuses.ask(self.port, sent, tries)
                tries += 1
                if answer is not None and answer.status == 200 and "errors" not in answer.json:
                    data: Object = answer.json["data"]
                    if not self._for_now(data):
                        return data
                elif answer is not None and not _comes_again(answer):
                    raise StuckError(f"the request is malformed: {answer.body!r}")
                await asyncio.sleep(AGAIN_SECONDS)

    def _for_now(self, data: Object) -> bool:
        codes = {error["code"] for payload in data.values() for error in (payload or {}).get("errors", ())}
        return bool(codes & REFUSED_FOR_NOW) and self.patient

    def _note(self, payload: Object) -> None:
        for thing, table in (("order", "orders"), ("payment", "payments"), ("refund", "refunds")):
            if payload.get(thing) is not None:
                own_id = decode_id(payload[thing]["id"])
                assert own_id is not None
                self.told.append((table, own_id[1]))


def _comes_again(answer: Answer) -> bool:
    """Whether a failure is the server's, so that the same call may succeed later."""
    if answer.status != 200:
        return answer.status >= 500
    codes = {error.get("extensions", {}).get("code") for error in answer.json.get("errors", ())}
    return codes <= {"INTERNAL", "UNAVAILABLE"}
