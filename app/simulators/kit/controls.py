"""The paths by which a simulator is controlled, the same for every gateway: there shoppers and banks are played.

    POST   /_sim/pay            {reference, outcome, method?}   a shopper pays: SUCCEEDS, DECLINED, ASKS, PENDS
    POST   /_sim/mischarge      {reference, amount_minor}       the shopper pays, and another amount is taken
    POST   /_sim/resolve        {reference, outcome}            the bank ends what ASKS or PENDS, or a DECLINED one late
    POST   /_sim/dispute        {reference}                     the shopper disputes what was captured
    POST   /_sim/dispute/close  {reference, outcome}            WON or LOST for the shop
    POST   /_sim/refund/fail    {reference}                     a refund fails, also after it had succeeded
    GET    /_sim/truth                                          what really happened, the same shape for every gateway
    GET    /_sim/events                                         every webhook, with its body, and what became of it
    POST   /_sim/events/{id}/deliver                            one of them is posted again
    POST   /_sim/events/{id}/sign   {body}                      another body for it, in base64, signed
    POST   /_sim/rotate                                         webhooks are signed with a new secret from now on
    PUT    /_sim/chaos, GET, DELETE                             misbehaviour: see `read_chaos`

They need `Authorization: Bearer <control key>`. `reference` is what the merchant knows a payment by: what the adapter
answers as its reference.
"""

from __future__ import annotations

import base64
import hmac
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Final

import orjson
from starlette.responses import Response
from starlette.routing import Route

from app.simulators.kit.chaos import Chaos, KnobError, read_chaos

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence

    from starlette.requests import Request

    Endpoint = Callable[[Request], Awaitable[Response]]

BODY_BYTES_MAX: Final = 256 * 1024


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
    approved: bool = False
    """The shopper agreed, and nothing is held or taken until the merchant does."""
    refunds: tuple[RefundTruth, ...] = ()
    disputes: Mapping[str, str] = field(default_factory=dict)
    """By id: OPEN, WON or LOST."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An event as it is, or would be, posted now."""

    id: str
    type: str
    headers: Mapping[str, str]
    body: bytes
    delivery: str
    tries: int


class Controls(ABC):
    """What can be done to one simulated account."""

    chaos: Chaos
    operations: ClassVar[Collection[str]]
    """What chaos may make fail."""

    @property
    @abstractmethod
    def control_key(self) -> str:
        """Return what the paths are opened by."""

    @abstractmethod
    def pay(self, reference: str, outcome: Control, method: str | None) -> None:
        """Have a shopper pay. Raises ControlError where the gateway would not let them."""

    @abstractmethod
    def mischarge(self, reference: str, amount_minor: int) -> None:
        """Have a shopper pay another amount than the merchant asked, which no gateway should let happen."""

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
    def webhooks(self) -> Iterable[Webhook]:
        """Return every event, signed now."""

    @abstractmethod
    def deliver(self, event_id: str) -> bool:
        """Post an event once more; false when there is none, or nobody to send it to."""

    @abstractmethod
    def signed(self, event_id: str, body: bytes) -> Webhook:
        """Return an event with another body, as the gateway would sign it. Raises ControlError where there is none."""

    @abstractmethod
    def rotate(self) -> Mapping[str, str]:
        """Sign with a new secret from now on; return the settings that change, without the gateway's name in front."""

    def control_routes(self) -> list[Route]:
        """Return what to mount at the root."""
        table: list[tuple[str, str, Endpoint]] = [
            ("POST", "/_sim/pay", self._pay),
            ("POST", "/_sim/mischarge", self._mischarge),
            ("POST", "/_sim/resolve", self._resolve),
            ("POST", "/_sim/dispute", self._dispute),
            ("POST", "/_sim/dispute/close", self._close_dispute),
            ("POST", "/_sim/refund/fail", self._fail_refund),
            ("GET", "/_sim/truth", self._truth),
            ("GET", "/_sim/events", self._list_events),
            ("POST", "/_sim/events/{id}/deliver", self._deliver),
            ("POST", "/_sim/events/{id}/sign", self._sign),
            ("POST", "/_sim/rotate", self._rotate),
            ("PUT", "/_sim/chaos", self._set_chaos),
            ("GET", "/_sim/chaos", self._show_chaos),
            ("DELETE", "/_sim/chaos", self._calm),
        ]
        return [Route(path, self._controlled(end), methods=[method]) for method, path, end in table]

    def _controlled(self, endpoint: Endpoint) -> Endpoint:
        expected = f"Bearer {self.control_key}".encode()

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

    async def _mischarge(self, request: Request) -> Response:
        body = await read_object(request)
        amount_minor = body.get("amount_minor")
        if type(amount_minor) is not int or amount_minor <= 0:
            raise ControlError("amount_minor is a number of the currency's smallest units, from 1.", 400)
        self.mischarge(_reference(body), amount_minor)
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
        return json_response({"data": [_shown(webhook) for webhook in self.webhooks()]})

    async def _deliver(self, request: Request) -> Response:
        if not self.deliver(request.path_params["id"]):
            raise ControlError("There is no such event, or nobody to send it to.", 404)
        return json_response({"done": True})

    async def _sign(self, request: Request) -> Response:
        body = (await read_object(request)).get("body")
        try:
            other = base64.b64decode(body if isinstance(body, str) else "?", validate=True)
        except ValueError:
            raise ControlError("body is the other body in base64.", 400) from None
        return json_response(_shown(self.signed(request.path_params["id"], other)))

    async def _rotate(self, _: Request) -> Response:
        return json_response({"settings": dict(self.rotate())})

    async def _set_chaos(self, request: Request) -> Response:
        try:
            self.chaos = read_chaos(await read_object(request), sorted(self.operations))
        except KnobError as error:
            raise ControlError(str(error), 400) from None
        return json_response(self.chaos.as_json())

    async def _show_chaos(self, _: Request) -> Response:
        return json_response({**self.chaos.as_json(), "operations": sorted(self.operations)})

    async def _calm(self, _: Request) -> Response:
        self.chaos = Chaos()
        return json_response(self.chaos.as_json())


def _shown(webhook: Webhook) -> dict[str, Any]:
    return {**asdict(webhook), "body": base64.b64encode(webhook.body).decode()}


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


async def control_error(_: Request, error: Exception) -> Response:
    """Answer a control call that makes no sense."""
    assert isinstance(error, ControlError)  # noqa: S101 - Starlette's table of handlers loses the type
    return json_response({"error": str(error)}, error.status)
