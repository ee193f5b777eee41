"""Stripe's objects as its API reference describes them, small: what a test does not name is as in a card payment."""

from __future__ import annotations

import json
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from app.gateways.contract import Verified
from app.gateways.stripe import StripeSettings, build

if TYPE_CHECKING:
    from app.gateways.contract import Notification

PAYMENT_ID: Final = UUID("01900000-0000-7000-8000-000000000001")
ORDER_ID: Final = UUID("01900000-0000-7000-8000-000000000002")
REFUND_ID: Final = UUID("01900000-0000-7000-8000-000000000003")
INTENT: Final = "pi_1"
CHARGED_AT: Final = 1_790_000_000
SETTINGS: Final = StripeSettings(
    secret_key="sk_test_of_tests",
    publishable_key="pk_test_of_tests",
    webhook_secrets=("whsec_of_tests",),
)
_EVENT_NUMBERS: Final = count(1)

Object = dict[str, Any]


def intent(status: str, **fields: Any) -> Object:  # noqa: ANN401 - JSON
    return {
        "id": INTENT,
        "object": "payment_intent",
        "amount": 1000,
        "amount_capturable": 0,
        "amount_received": 0,
        "capture_method": "automatic",
        "client_secret": "pi_1_secret_2",
        "created": CHARGED_AT - 60,
        "currency": "eur",
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {"payment_id": str(PAYMENT_ID)},
        "next_action": None,
        "payment_method": None,
        "payment_method_types": ["card", "link"],
        "status": status,
        **fields,
    }


def charge(charge_id: str = "ch_1", method: str = "pm_1", **fields: Any) -> Object:  # noqa: ANN401 - JSON
    return {
        "id": charge_id,
        "object": "charge",
        "amount": 1000,
        "amount_captured": 1000,
        "amount_refunded": 0,
        "captured": True,
        "created": CHARGED_AT,
        "currency": "eur",
        "disputed": False,
        "failure_code": None,
        "failure_message": None,
        "metadata": {"payment_id": str(PAYMENT_ID)},
        "outcome": {"type": "authorized", "reason": None},
        "payment_intent": INTENT,
        "payment_method": method,
        "payment_method_details": {"type": "card", "card": {"brand": "visa"}},
        "refunded": False,
        "status": "succeeded",
        **fields,
    }


def held_charge(**fields: Any) -> Object:  # noqa: ANN401 - JSON
    details = {"type": "card", "card": {"brand": "visa", "capture_before": CHARGED_AT + 604_800}}
    return charge(
        **{"captured": False, "amount_captured": 0, "payment_method_details": details, **fields},
    )


def failed_charge(charge_id: str = "ch_1", method: str = "pm_1", **fields: Any) -> Object:  # noqa: ANN401 - JSON
    return charge(
        charge_id,
        method,
        **{
            "amount_captured": 0,
            "captured": False,
            "failure_code": "card_declined",
            "failure_message": "Your card has insufficient funds.",
            "outcome": {"type": "issuer_declined", "reason": "insufficient_funds"},
            "status": "failed",
            **fields,
        },
    )


def refund(status: str = "succeeded", **fields: Any) -> Object:  # noqa: ANN401 - JSON
    return {
        "id": "re_1",
        "object": "refund",
        "amount": 400,
        "charge": "ch_1",
        "created": CHARGED_AT + 100,
        "currency": "eur",
        "metadata": {"refund_id": str(REFUND_ID), "payment_id": str(PAYMENT_ID)},
        "payment_intent": INTENT,
        "reason": "requested_by_customer",
        "status": status,
        **fields,
    }


def dispute(status: str, **fields: Any) -> Object:  # noqa: ANN401 - JSON
    return {
        "id": "du_1",
        "object": "dispute",
        "amount": 1000,
        "balance_transactions": [],
        "charge": "ch_1",
        "created": CHARGED_AT + 200,
        "currency": "eur",
        "evidence_details": {"due_by": CHARGED_AT + 900},
        "metadata": {},
        "payment_intent": INTENT,
        "reason": "fraudulent",
        "status": status,
        **fields,
    }


def declined(method: str = "pm_1", **fields: Any) -> Object:  # noqa: ANN401 - JSON
    """Return a `last_payment_error`."""
    return {
        "code": "card_declined",
        "decline_code": "insufficient_funds",
        "message": "Your card has insufficient funds.",
        "payment_method": {"id": method, "object": "payment_method", "type": "card"},
        "type": "card_error",
        **fields,
    }


def event(event_type: str, obj: Object, **fields: Any) -> Object:  # noqa: ANN401 - JSON
    return {
        "id": f"evt_{next(_EVENT_NUMBERS)}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": CHARGED_AT + 5,
        "data": {"object": obj},
        "livemode": False,
        "type": event_type,
        **fields,
    }


def verified(body: bytes) -> Verified:
    """Return a body as though its signature had been checked; that it is has its own tests."""
    return Verified.by(lambda _: None, body, {})


_gateway = cache(build)


def parsed(told: Object, settings: StripeSettings = SETTINGS) -> Notification:
    return _gateway(settings).parse(verified(json.dumps(told).encode()))
