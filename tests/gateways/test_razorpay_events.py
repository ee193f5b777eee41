"""Razorpay's webhooks: whose they are, what they tell, and that their order makes no difference."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from datetime import UTC, datetime
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from app.domain.states import GatewayName
from app.gateways.razorpay.events import EVENTS
from app.gateways.words import warn_of_unknown
from tests.domain.told import PAYMENT_ID as TOLD_ID
from tests.gateways.razorpay_objects import (
    PAYMENT_ID,
    PRICE,
    STARTED,
    dispute,
    event,
    failed,
    gateway,
    order,
    payment,
    qr_code,
    refund,
    verified,
)
from tests.gateways.test_every_order import end_of

if TYPE_CHECKING:
    from app.gateways import Notification

OURS = {"payment_id": str(PAYMENT_ID)}


def parsed(body: bytes, headers: dict[str, str] | None = None) -> Notification:
    return gateway().parse(verified(body, headers))


def kinds(notification: Notification) -> list[str]:
    return [fact.kind.value for fact in notification.facts]


def test_a_paid_order_names_the_payment_by_our_id_and_its_reference() -> None:
    told = parsed(event("order.paid", payment=payment(), order=order()), {"x-razorpay-event-id": "Ev1"})

    assert (told.external_id, told.type) == ("Ev1", "order.paid")
    assert (told.payment_id, told.reference, told.related_object_ids) == (PAYMENT_ID, "order_1", ())
    assert kinds(told) == ["ATTEMPT_STARTED", "AUTHORIZED", "CAPTURED"]
    assert told.occurred_at == datetime.fromtimestamp(STARTED + 5, UTC)
    assert not told.asks


def test_without_its_header_a_delivery_is_known_by_its_bytes() -> None:
    body = event("payment.captured", payment=payment())

    assert parsed(body).external_id == f"sha256:{hashlib.sha256(body).hexdigest()}"


def test_the_object_counts_and_not_the_name_of_the_event() -> None:
    told = parsed(event("payment.authorized", payment=payment("captured")))

    assert kinds(told) == ["ATTEMPT_STARTED", "AUTHORIZED", "CAPTURED"]
    late = parsed(event("payment.authorized", payment=payment("authorized", captured=True)))
    assert ("CAPTURED" in kinds(late), late.asks) == (True, False)
    assert kinds(parsed(event("payment.captured", payment=failed()))) == ["ATTEMPT_STARTED", "FAILED"]


def test_held_money_has_the_payment_asked_after() -> None:
    told = parsed(event("payment.authorized", payment=payment("authorized")))

    assert told.asks
    assert (told.payment_id, told.reference) == (None, "order_1")
    assert kinds(told) == ["ATTEMPT_STARTED", "AUTHORIZED"]


def test_notes_of_a_payment_with_an_order_are_not_believed() -> None:
    """A browser writes them: it must not be able to name another payment."""
    told = parsed(event("payment.captured", payment=payment(notes=OURS)))

    assert (told.payment_id, told.reference) == (None, "order_1")


def test_a_payment_without_an_order_is_only_a_hint_to_ask() -> None:
    told = parsed(event("payment.captured", payment=payment(order_id=None, notes=OURS)))

    assert (told.payment_id, told.reference, told.facts, told.asks) == (PAYMENT_ID, None, (), True)


def test_a_payment_that_names_nothing_of_ours_tells_of_its_money() -> None:
    told = parsed(event("payment.captured", payment=payment(order_id=None)))

    assert (told.payment_id, told.reference, told.related_object_ids) == (None, None, ("pay_1",))
    assert "CAPTURED" in kinds(told)
    assert not told.asks


def test_a_credited_code_names_its_payment() -> None:
    paid = payment(order_id=None, method="upi", notes=OURS)
    told = parsed(event("qr_code.credited", payment=paid, qr_code=qr_code("closed", close_reason="paid")))

    assert (told.payment_id, told.reference) == (PAYMENT_ID, "qr_1")
    assert kinds(told) == ["ATTEMPT_STARTED", "AUTHORIZED", "CAPTURED"]
    assert not told.asks


def test_a_code_that_the_shop_closed_ends_its_payment() -> None:
    told = parsed(event("qr_code.closed", qr_code=qr_code("closed", close_reason="on_demand")))

    assert (told.payment_id, told.reference, kinds(told)) == (PAYMENT_ID, "qr_1", ["LAPSED"])


def test_a_refund_comes_with_its_payment() -> None:
    told = parsed(event("refund.created", refund=refund("processed"), payment=payment()))

    assert told.reference == "order_1"
    assert kinds(told) == [
        "ATTEMPT_STARTED",
        "AUTHORIZED",
        "CAPTURED",
        "REFUND_PENDING",
        "REFUND_SUCCEEDED",
    ]


@pytest.mark.parametrize(
    "objects",
    [
        {"refund": refund("pending")},
        {"refund": refund("pending"), "payment": payment(order_id=None, notes=OURS)},
        {"dispute": dispute(), "payment": payment(order_id=None, notes=OURS)},
    ],
)
def test_what_follows_a_payment_without_an_order_finds_it_by_its_id(objects: dict[str, Any]) -> None:
    told = parsed(event("refund.created", **objects))

    assert (told.payment_id, told.reference, told.related_object_ids) == (None, None, ("pay_1",))
    assert kinds(told)[-1] in ("REFUND_PENDING", "DISPUTE_OPENED")


def test_what_was_never_captured_goes_back_as_a_release() -> None:
    returned = payment("refunded", captured=False, amount_refunded=49900)

    told = parsed(event("refund.processed", refund=refund(amount=49900), payment=returned))

    assert kinds(told) == ["ATTEMPT_STARTED", "AUTHORIZED", "RELEASED"]


def test_a_dispute_names_its_payment() -> None:
    told = parsed(event("payment.dispute.lost", dispute=dispute("lost"), payment=payment()))

    assert (told.reference, kinds(told)[-1]) == ("order_1", "DISPUTE_LOST")


@pytest.mark.parametrize(
    "body",
    [
        b'{"entity":"event","event":"payment.downtime.started","payload":{"payment.downtime":{"entity":{}}}}',
        b'{"entity":"event","event":"settlement.processed","payload":{"settlement":{"entity":{}}}}',
        b'{"entity":"event","event":"something.new","payload":{}}',
    ],
)
def test_an_event_without_money_tells_nothing(body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    warn_of_unknown.cache_clear()

    told = parsed(body)

    assert (told.facts, told.asks, told.payment_id, told.reference) == ((), False, None, None)
    assert len(caplog.records) == (1 if told.type == "something.new" else 0)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'{"event":"payment.captured"}',
        b'{"event":7,"payload":{}}',
        b'{"event":"payment.captured","payload":[]}',
        b'{"event":"payment.captured","payload":{"payment":{}}}',
        b'{"event":"payment.captured","payload":{"payment":{"entity":[]}}}',
        b'{"event":"x","payload":{},"created_at":' + b"9" * 400 + b"}",
        b"[" * 100_000,
        b"\xff\xfe",
        event("payment.captured", payment=payment(amount="49900")),
        event("payment.captured", payment=payment(currency="ZZZ")),
        event("order.paid", payment=payment(), order=order(amount=None)),
        event("refund.processed", refund=refund(payment_id=None)),
        event("payment.dispute.won", dispute=dispute(amount=-1)),
    ],
)
def test_a_body_of_another_shape_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        parsed(body)

    assert type(raised.value).__name__ in ("ValidationError", "ValueError")


def test_every_event_that_is_registered_for_has_a_documented_family() -> None:
    assert len(EVENTS) == len(set(EVENTS)) == 17
    assert {name.partition(".")[0] for name in EVENTS} == {"payment", "order", "refund", "qr_code"}


def test_all_720_orders_of_six_webhooks_end_in_one_state() -> None:
    """A try that failed and was authorised late, captured, partly given back, disputed and won."""
    late: dict[str, Any] = {"method": "upi", "upi": {"flow": "intent"}}
    told = [
        parsed(body)
        for body in (
            event("payment.failed", payment=failed()),
            event("payment.authorized", payment=payment("authorized", **late)),
            event("order.paid", payment=payment(**late), order=order(notes={"payment_id": str(TOLD_ID)})),
            event("refund.processed", refund=refund(), payment=payment(**late, amount_refunded=10000)),
            event("payment.dispute.created", dispute=dispute(), payment=payment(**late)),
            event("payment.dispute.won", dispute=dispute("won"), payment=payment(**late)),
        )
    ]

    ends = Counter(repr(end_of(each, GatewayName.RAZORPAY, PRICE)) for each in permutations(told))

    assert list(ends.values()) == [720], "\n".join(ends)
    assert "SUCCEEDED" in next(iter(ends))


def test_the_same_object_read_twice_tells_the_same() -> None:
    body = json.dumps(json.loads(event("order.paid", payment=payment(), order=order())), indent=1).encode()

    assert parsed(body).facts == parsed(event("order.paid", payment=payment(), order=order())).facts
