"""The contract between the product and a gateway adapter: what is asked, answered, and how it fails.

Every call that changes something carries a key of ours that stays the same however often the call is repeated. A
call without an answer is *unknown*, never failed. A webhook can only be parsed after it was verified: `parse`
takes a `Verified`, and nothing but `Verified.by` makes one, or `Verified.kept` from what was verified before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from datetime import datetime
    from uuid import UUID

    from app.domain.facts import Fact, Failure
    from app.domain.money import Money
    from app.domain.states import CaptureMethod, GatewayName, PaymentMethodType
    from app.gateways.offers import Limits
    from app.gateways.polling import PollSchedule


class GatewayErrorKind(StrEnum):
    """How a gateway call failed."""

    UNKNOWN = "UNKNOWN"
    """No answer, or none that can be trusted: the call may have happened. Ask, or repeat with the same key."""
    UNAVAILABLE = "UNAVAILABLE"
    """It certainly did not happen, and may work later (429, 503 before any work, connection refused)."""
    REJECTED = "REJECTED"
    """It certainly did not happen, and will not: the gateway refused the request."""
    DECLINED = "DECLINED"
    """The shopper's bank refused; `answer` carries the facts."""
    NOT_FOUND = "NOT_FOUND"
    """The gateway does not know the object."""


class GatewayError(Exception):
    """A gateway call that did not do what was asked. `code` is the gateway's own, for people to look up."""

    def __init__(
        self,
        kind: GatewayErrorKind,
        message: str,
        *,
        code: str = "",
        retry_after_seconds: float | None = None,
        failure: Failure | None = None,
        answer: GatewayAnswer | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.code = code
        self.retry_after_seconds = retry_after_seconds
        self.failure = failure
        self.answer = answer


class SignatureError(Exception):
    """A webhook that does not prove where it comes from. `reason` is a stable word for metrics, not for callers."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentHandle:
    """What a gateway needs to find a payment: our id, its reference once known, and what was asked."""

    payment_id: UUID
    reference: str | None
    amount: Money
    capture_method: CaptureMethod
    refund_ids: tuple[UUID, ...] = ()
    """Refunds of ours to ask after, for a gateway that tells of none unless it is asked for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRequest:
    """A payment to open at the gateway. `return_url` is where the shopper's browser comes back to."""

    payment_id: UUID
    order_id: UUID
    order_number: str
    amount: Money
    capture_method: CaptureMethod
    method: PaymentMethodType | None
    return_url: str | None
    customer_email: str | None
    idempotency_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureRequest:
    """An authorisation to capture, in whole or in part. Unless it is `final`, the rest stays to be captured."""

    payment: PaymentHandle
    amount: Money
    idempotency_key: str
    final: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest:
    """Captured money to give back. `refund_id` is ours and travels with the refund where the gateway allows."""

    payment: PaymentHandle
    refund_id: UUID
    amount: Money
    reason: str | None
    idempotency_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayAnswer:
    """What a call learned: facts, the gateway's id of the payment, and what the shopper's browser does next.

    `next_action` is one of the contract's actions as JSON, named by `type`: RedirectAction {url}, ClientSdkAction
    {sdk, parameters}, UpiIntentAction {uri, expires_at}, QrCodeAction {payload, image_svg, expires_at}.
    """

    facts: tuple[Fact, ...]
    reference: str | None = None
    next_action: Mapping[str, Any] | None = None
    awaits_us: bool = False
    """The shopper agreed, and nothing moves until the merchant says so: `complete` does, unless nobody wants it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A verified webhook, translated. It names its payment by our id, the gateway's reference, or a known object.

    `external_id` is what the gateway calls the delivery and repeats when it delivers again. `facts` is empty for
    a type that says nothing about money. One that `asks` can't be acted on by itself, since its signature covers too
    little or since it is our turn: the gateway is asked at once what it is about.
    """

    external_id: str
    type: str
    payment_id: UUID | None
    reference: str | None
    related_object_ids: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    next_action: Mapping[str, Any] | None = None
    occurred_at: datetime | None = None
    asks: bool = False
    body: bytes = b""
    """The event as a webhook brings it and `parse` reads it: set by `missed`, which takes it from a list."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A webhook's raw bytes, after `by` found that the gateway signed them."""

    body: bytes
    headers: Mapping[str, str] = field(repr=False)
    _proof: object = field(repr=False)

    def __post_init__(self) -> None:
        if self._proof is not _PROOF:
            raise TypeError("Verified is made by Verified.by and Verified.kept alone.")

    @classmethod
    def by(cls, check: Callable[[bytes], None], body: bytes, headers: Mapping[str, str]) -> Verified:
        """Run `check` over the raw bytes; it raises SignatureError when they are not the gateway's."""
        check(body)
        return cls(body, headers, _PROOF)

    @classmethod
    def kept(cls, body: bytes) -> Verified:
        """Take bytes from the inbox, which holds nothing but what was verified when it came in.

        A signature is good for some minutes and its secret may have been changed since, so that stored deliveries
        can't be checked again; that they got into the inbox at all is the proof.
        """
        return cls(body, {}, _PROOF)


_PROOF = object()


NO_REFERENCE: Final = "no_reference"
"""The code of the error that a gateway raises which can be asked by its own id alone, when that isn't known."""


class Gateway(Protocol):
    """One payment gateway. Every method may raise GatewayError; none touches the database."""

    name: GatewayName
    methods: tuple[PaymentMethodType, ...]
    currencies: tuple[str, ...]
    """The ISO 4217 codes that it takes; empty for any."""
    limits: Mapping[str, Limits]
    """The smallest and largest payments, by currency, where it publishes any."""
    polling: PollSchedule
    """How often it may be asked."""
    signature_header: bytes | None
    """The header, in lower case, that every webhook of its has; None where the signature is in the body."""
    releases: bool
    """Whether it can be told to release an authorisation; elsewhere one lapses by itself."""

    @property
    def available(self) -> bool:
        """Whether it answers, as far as this process knows."""

    def public_config(self) -> Mapping[str, Any]:
        """Return what a browser may know: publishable keys, never secrets."""

    async def create(self, request: CreateRequest) -> GatewayAnswer:
        """Open a payment; repeating the call with the same key returns the same payment."""

    async def confirm(self, payment: PaymentHandle, data: Mapping[str, Any], key: str) -> GatewayAnswer:
        """Take what the gateway's browser SDK or redirect handed back, verify it, and look the payment up."""

    async def complete(self, payment: PaymentHandle, key: str) -> GatewayAnswer:
        """Take what an answer said that `awaits_us`: the money, or a hold on it where captures are by hand.

        Whatever was taken before is looked up and not taken again.
        """

    async def capture(self, request: CaptureRequest) -> GatewayAnswer:
        """Capture an authorisation, in whole or in part; the rest is released once it is final.

        REJECTED when more is to come and the gateway can't do that.
        """

    async def cancel(self, payment: PaymentHandle, reason: str | None, key: str) -> GatewayAnswer:
        """Give a payment up. REJECTED when it can no longer be canceled.

        The answer tells CANCELED where the gateway makes sure that no money comes any more, and LAPSED where some may:
        such a payment is asked after by schedule as before.
        """

    async def refund(self, request: RefundRequest) -> GatewayAnswer:
        """Give captured money back, in whole or in part."""

    async def fetch(self, payment: PaymentHandle) -> GatewayAnswer:
        """Ask what became of a payment, its refunds and disputes. NOT_FOUND when the gateway has none."""

    def missed(self, since: datetime) -> AsyncIterator[Notification]:
        """Yield what the gateway has recorded since `since`, oldest first, for recovery after an outage."""

    async def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Verified:
        """Check a webhook's signature over the raw bytes. `headers` has lower-case names.

        Where what proves it has to be fetched first, it is awaited; elsewhere nothing is waited for.

        Raises:
            SignatureError: the delivery does not prove that the gateway sent it.
            GatewayError: whether it does can't be found out now.
        """

    def parse(self, delivery: Verified) -> Notification:
        """Translate a verified webhook. ValueError when the body is not of the documented shape."""

    async def aclose(self) -> None:
        """Close connections."""


async def no_events() -> AsyncIterator[Notification]:
    """Yield nothing: for a gateway that keeps no list of its events."""
    events: tuple[Notification, ...] = ()
    for event in events:
        yield event
