"""What the simulators of real gateways have in common: events, their delivery, chaos, and the paths to control them.

A simulator speaks a gateway's documented REST API and signs its webhooks; all it knows is in memory. Beside that it
has paths of its own under `/_sim`, the same for every gateway, by which shoppers, banks and mischief are played:

    POST   /_sim/pay            {reference, outcome, method?}   a shopper pays: SUCCEEDS, DECLINED, ASKS, PENDS
    POST   /_sim/resolve        {reference, outcome}            the bank ends what ASKS or PENDS, or a DECLINED one late
    POST   /_sim/dispute        {reference}                     the shopper disputes what was captured
    POST   /_sim/dispute/close  {reference, outcome}            WON or LOST for the shop
    POST   /_sim/refund/fail    {reference}                     the newest refund fails, also after it had succeeded
    GET    /_sim/truth                                          what really happened, the same shape for every gateway
    GET    /_sim/events                                         every webhook, with its body, and what became of it
    POST   /_sim/events/{id}/deliver                            one of them is posted again
    PUT    /_sim/chaos, GET, DELETE                             misbehaviour: see `read_chaos`

They need `Authorization: Bearer <control key>`. `reference` is what the merchant knows a payment by: what the adapter
answers as its reference.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import logging
from abc import ABC, abstractmethod
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Final

import orjson
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from app.simulators.kit.chaos import Chaos, KnobError, read_chaos
from app.simulators.kit.deliverer import Deliverer, DeliveryStatus
from app.simulators.kit.mishaps import MishapError, disturbed, spoiled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from starlette.requests import Request

    from app.simulators.kit.chaos import Mishap
    from app.simulators.kit.deliverer import Posted

    Endpoint = Callable[[Request], Awaitable[Response]]

BODY_BYTES_MAX: Final = 256 * 1024
EVENTS_MAX: Final = 200_000
_log = logging.getLogger(__name__)


class Control(StrEnum):
    """How a payment, or a dispute, is to go."""

    SUCCEEDS = "SUCCEEDS"
    """The shopper pays: captured, or held where the merchant captures by hand, or approved where it has to ask."""
    DECLINED = "DECLINED"
    ASKS = "ASKS"
    """The bank wants to see the shopper first."""
    PENDS = "PENDS"
    """Nobody knows yet."""
    WON = "WON"
    LOST = "LOST"


class ControlError(Exception):
    """A control call that makes no sense at present; `status` is what it is answered with."""

    def __init__(self, message: str, status: int = 409) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig:
    """What a simulator is started with. Without a `webhook_url`, events wait to be fetched from `/_sim/events`.

    `secrets` are the account's, named as the gateway names them; what is missing is made up, and printed.
    """

    control_key: str = field(repr=False)
    webhook_url: str | None = None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(slots=True, kw_only=True)
class Event:
    """A webhook: its raw body, and what became of it. `id` is the gateway's own of it, or one made up."""

    id: str
    type: str
    body: bytes
    content_type: str = "application/json"
    delivery: DeliveryStatus = DeliveryStatus.PENDING
    tries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundTruth:
    """A refund: `own_id` is the merchant's of it, as it came with the request; `status` is of domain `RefundStatus`."""

    id: str
    own_id: str | None
    amount_minor: int
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentTruth:
    """What really became of a payment, in minor units of ISO 4217. `own_id` is the merchant's id of it."""

    reference: str
    own_id: str | None
    currency: str
    amount_minor: int
    held_minor: int
    captured_minor: int
    refunds: tuple[RefundTruth, ...] = ()
    disputes: Mapping[str, str] = field(default_factory=dict)
    """By id: OPEN, WON or LOST."""


class Simulator(ABC):
    """One merchant's account at one gateway."""

    name: ClassVar[str]
    """As the module is called."""
    operations: ClassVar[frozenset[str]]
    """What chaos may make fail: create, fetch, capture, cancel and refund at least, where the gateway has them."""

    def __init__(self, config: SimulatorConfig, url: str) -> None:
        """`url` is where it is reached."""
        self.config = config
        self.url = url
        self.chaos = Chaos()
        self.events: dict[str, Event] = {}
        self._deliverer: Deliverer[Event] | None = None
        if config.webhook_url is not None:
            self._deliverer = Deliverer(
                config.webhook_url, headers=self._headers, chaos=lambda: self.chaos, note=self._note
            )

    @abstractmethod
    def routes(self) -> Sequence[Route]:
        """Return the gateway's own paths, as its documentation has them."""

    @abstractmethod
    def sign(self, event: Event) -> Mapping[str, str]:
        """Return the headers that prove an event, signed now. One that is signed inside its body adds none."""

    @abstractmethod
    def pay(self, reference: str, outcome: Control, method: str | None) -> None:
        """Have a shopper pay. Raises ControlError where the gateway would not let them."""

    @abstractmethod
    def resolve(self, reference: str, outcome: Control) -> None:
        """Have the bank decide on what is open, or change its mind about what it declined."""

    @abstractmethod
    def dispute(self, reference: str) -> str:
        """Have the shopper dispute what was captured; return the dispute's id."""

    @abstractmethod
    def close_dispute(self, reference: str, outcome: Control) -> None:
        """Have the newest dispute of a payment end."""

    @abstractmethod
    def fail_refund(self, reference: str) -> None:
        """Have the newest refund of a payment fail."""

    @abstractmethod
    def truth(self) -> Sequence[PaymentTruth]:
        """Return what really happened."""

    @abstractmethod
    def refusal(self, error: MishapError) -> Response:
        """Return the gateway's own answer for a call that chaos made fail, e.g. a 429 or a 500."""

    def emit(self, event: Event) -> None:
        """Note an event, and send it."""
        if len(self.events) >= EVENTS_MAX:
            raise ControlError(f"The simulator holds {EVENTS_MAX} events. Start a new one.", 503)
        self.events[event.id] = event
        if self._deliverer is not None:
            self._deliverer.enqueue(event)

    async def operate(self, operation: str, request: Request, work: Callable[[], Response]) -> Response:
        """Answer one API call: `work` is done at once and in one go, with the chaos of the moment around it."""
        mishap: Mishap | None = await disturbed(self.chaos, request, operation)
        done = work()
        return await spoiled(request, mishap) or done

    def app(self) -> Starlette:
        """Return what is served."""

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            delivering = asyncio.create_task(self._deliverer.run()) if self._deliverer else None
            try:
                yield
            finally:
                if delivering is not None:
                    delivering.cancel()
                    await asyncio.gather(delivering, return_exceptions=True)

        async def refused(_: Request, error: Exception) -> Response:
            assert isinstance(error, MishapError)  # noqa: S101 - Starlette's table of handlers loses the type
            return self.refusal(error)

        return Starlette(
            routes=[*self.routes(), *self._control_routes()],
            lifespan=lifespan,
            exception_handlers={MishapError: refused, ControlError: _control_error},
        )

    def _headers(self, event: Event) -> Mapping[str, str]:
        return {
            "Content-Type": event.content_type,
            "User-Agent": f"{self.name}-simulator/1",
            **self.sign(event),
        }

    def _note(self, posted: Posted[Event]) -> None:
        posted.parcel.tries += 1
        if posted.parcel.delivery is not DeliveryStatus.DELIVERED:
            posted.parcel.delivery = posted.delivery

    def _control_routes(self) -> list[Route]:
        table: list[tuple[str, str, Endpoint]] = [
            ("POST", "/_sim/pay", self._pay),
            ("POST", "/_sim/resolve", self._resolve),
            ("POST", "/_sim/dispute", self._dispute),
            ("POST", "/_sim/dispute/close", self._close_dispute),
            ("POST", "/_sim/refund/fail", self._fail_refund),
            ("GET", "/_sim/truth", self._truth),
            ("GET", "/_sim/events", self._list_events),
            ("POST", "/_sim/events/{id}/deliver", self._deliver),
            ("PUT", "/_sim/chaos", self._set_chaos),
            ("GET", "/_sim/chaos", self._show_chaos),
            ("DELETE", "/_sim/chaos", self._calm),
        ]
        return [Route(path, self._controlled(end), methods=[method]) for method, path, end in table]

    def _controlled(self, endpoint: Endpoint) -> Endpoint:
        expected = f"Bearer {self.config.control_key}".encode()

        async def check(request: Request) -> Response:
            if not hmac.compare_digest(request.headers.get("authorization", "").encode(), expected):
                raise ControlError("Send the control key as: Authorization: Bearer …", 401)
            return await endpoint(request)

        return check

    async def _pay(self, request: Request) -> Response:
        body = await read_object(request)
        ways = (Control.SUCCEEDS, Control.DECLINED, Control.ASKS, Control.PENDS)
        self.pay(_reference(body), _outcome(body, ways), body.get("method"))
        return json_response({"done": True})

    async def _resolve(self, request: Request) -> Response:
        body = await read_object(request)
        self.resolve(_reference(body), _outcome(body, (Control.SUCCEEDS, Control.DECLINED)))
        return json_response({"done": True})

    async def _dispute(self, request: Request) -> Response:
        return json_response({"dispute": self.dispute(_reference(await read_object(request)))})

    async def _close_dispute(self, request: Request) -> Response:
        body = await read_object(request)
        self.close_dispute(_reference(body), _outcome(body, (Control.WON, Control.LOST)))
        return json_response({"done": True})

    async def _fail_refund(self, request: Request) -> Response:
        self.fail_refund(_reference(await read_object(request)))
        return json_response({"done": True})

    async def _truth(self, _: Request) -> Response:
        return json_response({"payments": [asdict(payment) for payment in self.truth()]})

    async def _list_events(self, _: Request) -> Response:
        return json_response({"data": [self._shown(event) for event in self.events.values()]})

    def _shown(self, event: Event) -> dict[str, Any]:
        return {
            "id": event.id,
            "type": event.type,
            "headers": self._headers(event),
            "body": base64.b64encode(event.body).decode(),
            "delivery": event.delivery,
            "tries": event.tries,
        }

    async def _deliver(self, request: Request) -> Response:
        event = self.events.get(request.path_params["id"])
        if event is None or self._deliverer is None:
            raise ControlError("There is no such event, or nobody to send it to.", 404)
        self._deliverer.enqueue(event)
        return json_response(self._shown(event))

    async def _set_chaos(self, request: Request) -> Response:
        try:
            self.chaos = read_chaos(await read_object(request), sorted(self.operations))
        except KnobError as error:
            raise ControlError(str(error), 400) from None
        return json_response(self.chaos.as_json())

    async def _show_chaos(self, _: Request) -> Response:
        return json_response(self.chaos.as_json())

    async def _calm(self, _: Request) -> Response:
        self.chaos = Chaos()
        return json_response(self.chaos.as_json())


def json_response(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON answer."""
    return Response(orjson.dumps(body), status, headers, "application/json")


async def read_body(request: Request) -> bytes:
    """Return the body, and stop reading where it gets too long."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise ControlError(f"A body has at most {BODY_BYTES_MAX} bytes.", 413)
    return bytes(body)


async def read_object(request: Request) -> dict[str, Any]:
    """Return the body as a JSON object; an empty body is an empty one."""
    try:
        body = orjson.loads(await read_body(request) or b"{}")
    except orjson.JSONDecodeError as error:
        raise ControlError(f"The body is not JSON: {error}.", 400) from None
    if not isinstance(body, dict):
        raise ControlError("The body must be a JSON object.", 400)
    return body


def _reference(body: Mapping[str, Any]) -> str:
    reference = body.get("reference")
    if not isinstance(reference, str):
        raise ControlError("Name the payment by its reference.", 400)
    return reference


def _outcome(body: Mapping[str, Any], ways: Sequence[Control]) -> Control:
    outcome = body.get("outcome")
    if not isinstance(outcome, str) or outcome not in ways:
        raise ControlError(f"outcome is one of {', '.join(ways)}.", 400)
    return Control(outcome)


async def _control_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ControlError)  # noqa: S101 - as above
    return json_response({"error": str(error)}, error.status)
