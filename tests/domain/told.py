"""What the tests of the rules start from: facts, payments and orders, made in memory, and Hypothesis's settings."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice, pairwise, product
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from app.domain.changes import OrderRecord, PaymentRecord, Report
from app.domain.facts import Fact, FactKind, Failure, add_facts
from app.domain.money import Money
from app.domain.order import Order, Payment
from app.domain.payment import PaymentState, PaymentTerms, payment_state
from app.domain.states import (
    CaptureMethod,
    EventSource,
    FulfillmentStatus,
    GatewayName,
    LatePaymentPolicy,
    OrderPaymentStatus,
    OrderStatus,
    PaymentMethodType,
    PaymentStatus,
    RefundInitiator,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

THOROUGH: Final = int(os.environ.get("DOMAIN_EXAMPLES_FACTOR", "1"))
"""How many times as many examples as in a normal run. Many of them take longer than pytest allows unless it is told
`-o timeout=0 -o faulthandler_timeout=0`."""
NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER: Final = NOON + timedelta(hours=1)
TOTAL: Final = Money(500, "INR")
ORDER_ID: Final = UUID(int=1)
PAYMENT_ID: Final = UUID(int=2)
OTHER_PAYMENT_ID: Final = UUID(int=3)
REFUND_ID: Final = UUID(int=4)


def examples(count: int) -> settings:
    """Return the settings of a property that a normal run tries `count` times, the same ones each time."""
    return settings(
        max_examples=count * THOROUGH,
        derandomize=THOROUGH == 1,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )


def fact(kind: FactKind, object_id: str = "a", minor: int | None = None, **more: Any) -> Fact:  # noqa: ANN401 - fields of Fact
    """Return a fact of the sandbox, in rupees unless `amount` says otherwise."""
    amount = None if minor is None else Money(minor, "INR")
    return Fact(gateway=GatewayName.SANDBOX, object_id=object_id, kind=kind, **{"amount": amount, **more})


def captured(minor: int = 500, object_id: str = "c", **more: Any) -> Fact:  # noqa: ANN401 - fields of Fact
    """Return the fact that money was captured."""
    return fact(FactKind.CAPTURED, object_id, minor, **{"attempt_id": "a", **more})


def authorized(minor: int = 500, object_id: str = "c", **more: Any) -> Fact:  # noqa: ANN401 - fields of Fact
    """Return the fact that money was authorised."""
    return fact(FactKind.AUTHORIZED, object_id, minor, **{"attempt_id": "a", **more})


def terms(minor: int = 500, capture_method: CaptureMethod = CaptureMethod.AUTOMATIC) -> PaymentTerms:
    """Return what was asked, in rupees."""
    return PaymentTerms(amount=Money(minor, "INR"), capture_method=capture_method)


MANUAL: Final = terms(capture_method=CaptureMethod.MANUAL)


def state_of(*told: Fact, asked: PaymentTerms | None = None) -> PaymentState:
    """Return the state of a payment that is told these facts."""
    return payment_state(asked or terms(), add_facts({}, told)[0].values())


def an_order(**more: Any) -> Order:  # noqa: ANN401 - fields of Order
    """Return a new, unpaid order of 5.00 INR at version 1."""
    fields: dict[str, Any] = {
        "id": ORDER_ID,
        "number": "A",
        "status": OrderStatus.PENDING,
        "payment_status": OrderPaymentStatus.UNPAID,
        "fulfillment_status": FulfillmentStatus.UNFULFILLED,
        "version": 1,
        "currency": "INR",
        "total_minor": 500,
        "paid_minor": 0,
        "refunded_minor": 0,
        "payment_in_progress": False,
        "customer_id": None,
        "customer_email": None,
        "late_payment_policy": LatePaymentPolicy.REFUND,
        "expires_at": None,
        "metadata": {},
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Order(**{**fields, **more})


def a_payment(**more: Any) -> Payment:  # noqa: ANN401 - fields of Payment
    """Return a payment of 5.00 INR of which nothing is known."""
    fields: dict[str, Any] = {
        "id": PAYMENT_ID,
        "order_id": ORDER_ID,
        "gateway": GatewayName.SANDBOX,
        "method": None,
        "status": PaymentStatus.REQUIRES_PAYMENT_METHOD,
        "capture_method": CaptureMethod.AUTOMATIC,
        "currency": "INR",
        "amount_minor": 500,
        "authorized_minor": 0,
        "captured_minor": 0,
        "refunded_minor": 0,
        "reference": None,
        "next_action": None,
        "last_error": None,
        "late_authorized": False,
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Payment(**{**fields, **more})


def a_record(*payments: Payment, **order: Any) -> OrderRecord:  # noqa: ANN401 - fields of Order
    """Return an order with payments of which nothing is known."""
    return OrderRecord(
        order=an_order(**order),
        payments={payment.id: PaymentRecord.of(payment, {}) for payment in payments},
    )


def a_report(*told: Fact, payment_id: UUID = PAYMENT_ID, **more: Any) -> Report:  # noqa: ANN401 - fields of Report
    """Return what a webhook says about a payment."""
    return Report(payment_id=payment_id, source=EventSource.WEBHOOK, facts=told, **more)


TIMES: Final = st.integers(0, 3).map(lambda hours: NOON + timedelta(hours=hours))
_CODES: Final = ("declined", "expired")
_FAILURES: Final = tuple(
    Failure(code=code, message=message, decline_code=decline_code, retryable=retryable)
    for code, message, decline_code, retryable in product(
        _CODES, ("No.", "Not now."), (None, "", "stolen"), (True, False)
    )
)
FAILURES: Final = st.sampled_from(_FAILURES)
OWN_IDS: Final = (UUID(int=11), UUID(int=12))

_TRY_KINDS: Final = (FactKind.ATTEMPT_STARTED, FactKind.ACTION_REQUIRED, FactKind.PROCESSING, FactKind.FAILED)
_MONEY_KINDS: Final = (FactKind.AUTHORIZED, FactKind.CAPTURED, FactKind.RELEASED)
_ENDS: Final = (FactKind.CANCELED, FactKind.LAPSED)
_REFUND_KINDS: Final = tuple(kind for kind in FactKind if kind.startswith("REFUND_"))
_DISPUTE_KINDS: Final = tuple(kind for kind in FactKind if kind.startswith("DISPUTE_"))
_REFUND_OWNERS: Final = {"r": OWN_IDS[0], "s": OWN_IDS[1], "t": None}
"""What the gateway was given with each of its refunds; the last one it made by itself."""


def _mix(*minors: int | None) -> tuple[Money | None, ...]:
    """Return the amounts in rupees, with one of another currency among them."""
    return (*(None if minor is None else Money(minor, "INR") for minor in minors), Money(500, "USD"))


def _timed(kind: FactKind, object_ids: str, **choices: Iterable[Any]) -> Iterator[Fact]:
    """Yield every combination, each at one of three times, or at none."""
    times = cycle([NOON, LATER, None, LATER + timedelta(hours=1)])
    for object_id, *values in product(object_ids, *choices.values()):
        more = dict(zip(choices, values, strict=True))
        yield fact(kind, object_id, reported_at=next(times), **more)


def _tries() -> Iterator[Fact]:
    methods = (None, PaymentMethodType.CARD, PaymentMethodType.WALLET)
    for kind in _TRY_KINDS:
        failures = (None, *_FAILURES[::5]) if kind is FactKind.FAILED else (None,)
        yield from _timed(kind, "ab", method=methods, failure=failures)


def _money() -> Iterator[Fact]:
    amounts = (*_mix(None, 0, 1, 200, 300, 499, 500, 501), TOTAL, TOTAL, TOTAL)
    for kind in _MONEY_KINDS:
        yield from _timed(kind, "cd", attempt_id=(None, "a", "b"), amount=amounts)


def _refunds() -> Iterator[Fact]:
    """What is known about refunds: under our own id, or the gateway's with or without ours."""
    amounts = _mix(None, 0, 100, 200, 300, 500)
    for own_id, initiator in product(OWN_IDS, (RefundInitiator.STAFF, RefundInitiator.SURPLUS)):
        for kind in (FactKind.REFUND_REQUESTED, FactKind.REFUND_FAILED):
            asked = _timed(kind, "-", amount=amounts, initiator=(initiator,), own_id=(own_id,))
            yield from (replace(one, object_id=str(own_id)) for one in asked)
    for object_id, owner in _REFUND_OWNERS.items():
        for kind in _REFUND_KINDS[1:]:
            yield from _timed(kind, object_id, own_id=(None, owner), amount=amounts, attempt_id=(None, "c"))


def _disputes() -> Iterator[Fact]:
    for kind in _DISPUTE_KINDS:
        yield from _timed(kind, "xy", amount=_mix(None, 100, 500), attempt_id=(None, "c", "d"))


def _ends() -> Iterator[Fact]:
    for kind in _ENDS:
        yield fact(kind, "p")


def _pool() -> list[Fact]:
    """Return all of them, each group as often as it is to be drawn: one draw a fact keeps properties fast."""
    groups = ((_tries(), 400), (_money(), 800), (_ends(), 120), (_refunds(), 400), (_disputes(), 200))
    return [one for group, share in groups for one in islice(cycle(list(group)), share)]


FACTS: Final = st.sampled_from(_pool())
"""Whatever may be said about one payment, seldom all of it true."""
MANY_FACTS: Final = st.lists(FACTS, max_size=10)
ALL_TERMS: Final = st.sampled_from([terms(), MANUAL])


def split(told: list[Fact], cuts: Iterable[int]) -> list[list[Fact]]:
    """Return the facts in order, cut into pieces."""
    edges = [0, *sorted(cut % (len(told) + 1) for cut in cuts), len(told)]
    return [told[start:end] for start, end in pairwise(edges)]
