"""Razorpay's webhooks: which payment they are about, and what their objects tell."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from app.domain.facts import add_facts
from app.domain.states import GatewayName
from app.gateways.contract import Notification
from app.gateways.razorpay.facts import (
    dispute_facts,
    is_authorized,
    moment,
    payment_facts,
    qr_code_facts,
    refund_facts,
)
from app.gateways.razorpay.wire import WireEvent, own_id
from app.gateways.words import warn_of_unknown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from app.domain.facts import Fact
    from app.gateways.contract import Verified
    from app.gateways.razorpay.wire import WireDispute, WireOrder, WirePayment, WireQrCode, WireRefund

EVENT_ID_HEADER: Final = "x-razorpay-event-id"
EVENTS: Final = (
    "payment.authorized",
    "payment.captured",
    "payment.failed",
    "order.paid",
    "refund.created",
    "refund.processed",
    "refund.failed",
    "refund.speed_changed",
    "payment.dispute.created",
    "payment.dispute.under_review",
    "payment.dispute.action_required",
    "payment.dispute.won",
    "payment.dispute.lost",
    "payment.dispute.closed",
    "qr_code.created",
    "qr_code.credited",
    "qr_code.closed",
)
"""What a webhook is to be registered for. Source: razorpay.com/docs/webhooks/all, read in November 2026."""
_OTHER_PRODUCTS: Final = (
    "account.",
    "fund_account.",
    "invoice.",
    "order.notification.",
    "payment.downtime.",
    "payment_link.",
    "payout",
    "product.",
    "settlement.",
    "subscription.",
    "token.",
    "transaction.",
    "transfer.",
    "virtual_account.",
)


def read_event(delivery: Verified) -> Notification:
    """Translate a verified webhook.

    Raises:
        ValueError: it is not of the documented shape.
    """
    event = WireEvent.model_validate_json(delivery.body)
    if event.event not in EVENTS and not event.event.startswith(_OTHER_PRODUCTS):
        warn_of_unknown(GatewayName.RAZORPAY, "event", event.event)
    objects = _Objects(event)
    payment_id, reference = objects.named
    hinted = objects.hinted_payment_id
    related = (
        objects.related_object_ids if payment_id is None and reference is None and hinted is None else ()
    )
    facts = () if hinted else tuple(add_facts({}, objects.facts())[0].values())
    return Notification(
        external_id=delivery.headers.get(EVENT_ID_HEADER)
        or f"sha256:{hashlib.sha256(delivery.body).hexdigest()}",
        type=event.event,
        payment_id=payment_id or hinted,
        reference=reference,
        related_object_ids=related,
        facts=facts,
        occurred_at=None if event.created_at is None else moment(event.created_at),
        asks=hinted is not None or objects.waits,
    )


class _Objects:
    """What an event brings, and whose it is."""

    def __init__(self, event: WireEvent) -> None:
        payload = event.payload
        self.payment: WirePayment | None = payload.payment.entity if payload.payment else None
        self.order: WireOrder | None = payload.order.entity if payload.order else None
        self.refund: WireRefund | None = payload.refund.entity if payload.refund else None
        self.dispute: WireDispute | None = payload.dispute.entity if payload.dispute else None
        self.code: WireQrCode | None = payload.qr_code.entity if payload.qr_code else None

    @property
    def named(self) -> tuple[UUID | None, str | None]:
        """Our id and the reference, from what the shop alone writes: the notes of its orders and QR codes."""
        if self.order is not None:
            return own_id(self.order.notes, "payment_id"), self.order.id
        if self.code is not None:
            return own_id(self.code.notes, "payment_id"), self.code.id
        return None, self.payment.order_id if self.payment else None

    @property
    def hinted_payment_id(self) -> UUID | None:
        """Our id in the notes of a payment without an order: that of a QR code's, or whatever a browser wrote there.

        So nothing is believed of it, and the payment that it names is asked after.
        """
        if self.payment is None or self.named != (None, None) or self.refund or self.dispute:
            return None
        return own_id(self.payment.notes, "payment_id")

    @property
    def related_object_ids(self) -> tuple[str, ...]:
        """The payment's own id, by which its refunds and disputes find it."""
        named = (
            self.payment.id if self.payment else None,
            self.refund.payment_id if self.refund else None,
            self.dispute.payment_id if self.dispute else None,
        )
        return tuple(dict.fromkeys(name for name in named if name))

    @property
    def waits(self) -> bool:
        """Whether money is held: it does not say whether the shop is to capture it."""
        return self.payment is not None and is_authorized(self.payment)

    def facts(self) -> Iterator[Fact]:
        """Yield what all of them tell."""
        if self.payment is not None:
            yield from payment_facts(self.payment)
        if self.refund is not None:
            yield from refund_facts(self.refund, self.payment)
        if self.dispute is not None:
            yield from dispute_facts(self.dispute)
        if self.code is not None and self.payment is None:
            yield from qr_code_facts(self.code)
