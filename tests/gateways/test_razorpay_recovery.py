"""Razorpay's adapter when something goes wrong: answers that never came, refusals, and money that goes back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from app.domain.states import (
    CaptureMethod,
    DisputeStatus,
    PaymentMethodType,
    PaymentStatus,
    RefundStatus,
)
from app.gateways import CaptureRequest, GatewayError, GatewayErrorKind
from app.gateways.razorpay import RazorpaySettings, build
from tests.gateways.razorpay_objects import CREATE, PRICE, handle, order, payment, qr_code, refund_of
from tests.gateways.razorpay_shop import Shop, shop_open, told
from tests.gateways.scripted_http import Answer, ScriptedServer
from tests.simulators.razorpay_world import refund_is

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.gateways.scripted_http import Behaviour

PAID = ["ATTEMPT_STARTED", "AUTHORIZED", "CAPTURED"]
LOST_ANSWERS = ["hang_after", "garbage_after"]


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """Open a shop that waits for a second at most."""
    async with shop_open(timeout_seconds=1.0) as shop:
        yield shop


async def refusal(call: Awaitable[object]) -> GatewayError:
    with pytest.raises(GatewayError) as raised:
        await call
    return raised.value


async def fail(shop: Shop, operation: str, answer: object, times: int = 1) -> None:
    await shop.razorpay.chaos(api_fail={operation: {"answer": answer, "times": times}})


@pytest.mark.parametrize("answer", LOST_ANSWERS)
async def test_an_order_whose_answer_never_came_is_found(shop: Shop, answer: str) -> None:
    await fail(shop, "create", answer)

    lost = await refusal(shop.gateway.create(shop.request()))
    found = await shop.gateway.fetch(shop.payment)
    again = await shop.open()

    assert lost.kind is GatewayErrorKind.UNKNOWN
    assert found.reference == again.reference
    assert len(shop.razorpay.simulator.book.orders) == 1


async def test_a_qr_code_whose_answer_never_came_is_found(shop: Shop) -> None:
    await fail(shop, "create_qr", "hang_after")

    lost = await refusal(shop.gateway.create(shop.request(PaymentMethodType.UPI_QR)))
    found = await shop.gateway.fetch(shop.payment)
    again = await shop.open(PaymentMethodType.UPI_QR)

    assert lost.kind is GatewayErrorKind.UNKNOWN
    assert found.reference == again.reference
    assert again.next_action is not None
    assert len(shop.razorpay.simulator.book.codes) == 1


async def test_a_upi_link_that_was_lost_is_replaced(shop: Shop) -> None:
    await fail(shop, "create_upi", "hang_after")

    lost = await refusal(shop.gateway.create(shop.request(PaymentMethodType.UPI_INTENT)))
    again = await shop.open(PaymentMethodType.UPI_INTENT)
    await shop.pay()

    assert lost.kind is GatewayErrorKind.UNKNOWN
    assert again.next_action is not None
    assert len(shop.razorpay.simulator.book.orders) == 1
    assert (await shop.asked()).status is PaymentStatus.SUCCEEDED


@pytest.mark.parametrize("answer", LOST_ANSWERS)
async def test_a_capture_whose_answer_never_came_is_not_made_twice(shop: Shop, answer: str) -> None:
    await shop.paid(capture_method=CaptureMethod.MANUAL)
    await fail(shop, "capture", answer)
    asked = CaptureRequest(payment=shop.payment, amount=PRICE, idempotency_key="capture-1")

    lost = await refusal(shop.gateway.capture(asked))
    again = await shop.gateway.capture(asked)

    assert (lost.kind, told(again)) == (GatewayErrorKind.UNKNOWN, PAID)
    assert shop.razorpay.told().count("payment.captured") == 1


@pytest.mark.parametrize("answer", LOST_ANSWERS)
async def test_a_refund_whose_answer_never_came_is_not_made_twice(shop: Shop, answer: str) -> None:
    await shop.paid()
    asked = shop.refund(10000)
    await fail(shop, "refund", answer)

    lost = await refusal(shop.gateway.refund(asked))
    again = await shop.gateway.refund(asked)

    assert lost.kind is GatewayErrorKind.UNKNOWN
    assert {fact.own_id for fact in again.facts} == {asked.refund_id}
    assert len(shop.razorpay.simulator.book.refunds) == 1


async def test_a_refund_that_is_in_progress_is_unknown(shop: Shop) -> None:
    await shop.paid()
    await fail(shop, "refund", 409)

    error = await refusal(shop.gateway.refund(shop.refund(10000)))

    assert error.kind is GatewayErrorKind.UNKNOWN
    assert error.message == "Another request with the same idempotency key is still in progress."


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, GatewayErrorKind.UNAVAILABLE),
        (500, GatewayErrorKind.UNKNOWN),
        (502, GatewayErrorKind.UNKNOWN),
        (503, GatewayErrorKind.UNKNOWN),
        (504, GatewayErrorKind.UNKNOWN),
        (408, GatewayErrorKind.UNKNOWN),
    ],
)
@pytest.mark.parametrize("operation", ["lookup", "create"])
async def test_trouble_at_razorpay_is_told_apart(
    shop: Shop, operation: str, status: int, kind: GatewayErrorKind
) -> None:
    await fail(shop, operation, status)

    error = await refusal(shop.gateway.create(shop.request()))

    assert error.kind is kind
    assert shop.razorpay.simulator.book.orders == {}


async def test_wrong_keys_are_refused_and_not_shown(shop: Shop) -> None:
    settings = RazorpaySettings(
        key_id="rzp_test_other", key_secret="other-secret", api_base=shop.razorpay.url
    )
    gateway = build(settings)

    error = await refusal(gateway.create(shop.request()))

    assert error.kind is GatewayErrorKind.REJECTED
    assert "other-secret" not in f"{error}{error.message}{error.code}"
    await gateway.aclose()


async def test_nobody_listening_is_unavailable() -> None:
    gateway = build(RazorpaySettings(key_id="rzp_test_1", key_secret="s", api_base="http://127.0.0.1:1"))

    assert (await refusal(gateway.fetch(handle("order_1")))).kind is GatewayErrorKind.UNAVAILABLE
    await gateway.aclose()


async def test_a_refund_is_ours_and_goes_on_by_itself(shop: Shop) -> None:
    await shop.paid()
    asked = shop.refund(10000)

    answer = await shop.gateway.refund(asked)
    (made,) = shop.razorpay.simulator.book.refunds.values()
    await refund_is(shop.razorpay, made.id, "processed")
    await shop.fetch()

    assert told(answer) == ["REFUND_PENDING"]
    assert (answer.facts[0].own_id, answer.facts[0].detail) == (asked.refund_id, "size")
    assert made.receipt == made.notes["refund_id"] == str(asked.refund_id)
    (refund,) = shop.state.refunds
    assert (refund.id, refund.status, refund.amount) == (
        asked.refund_id,
        RefundStatus.SUCCEEDED,
        asked.amount,
    )


async def test_a_refund_may_fail_after_it_succeeded(shop: Shop) -> None:
    await shop.paid()
    await shop.gateway.refund(shop.refund(10000))
    (made,) = shop.razorpay.simulator.book.refunds.values()
    await refund_is(shop.razorpay, made.id, "processed")
    await shop.fetch()

    await shop.razorpay.sim("refund/fail", reference=shop.reference)
    await shop.fetch()

    assert [refund.status for refund in shop.state.refunds] == [RefundStatus.FAILED]
    assert shop.state.refunded.minor == 0


async def test_more_than_was_captured_is_not_given_back(shop: Shop) -> None:
    await shop.paid()

    error = await refusal(shop.gateway.refund(shop.refund(49901)))

    assert (error.kind, error.code) == (GatewayErrorKind.REJECTED, "input_validation_failed")
    assert shop.razorpay.simulator.book.refunds == {}


async def test_nothing_is_given_back_of_what_was_never_captured(shop: Shop) -> None:
    await shop.paid(capture_method=CaptureMethod.MANUAL)

    error = await refusal(shop.gateway.refund(shop.refund(100)))

    assert (error.kind, error.code) == (GatewayErrorKind.REJECTED, "nothing_captured")


async def test_a_key_that_was_used_for_something_else_is_refused(shop: Shop) -> None:
    await shop.paid()
    asked = shop.refund(10000)
    await shop.gateway.refund(asked)

    other = replace(asked, refund_id=uuid4())

    error = await refusal(shop.gateway.refund(other))
    assert error.kind is GatewayErrorKind.REJECTED
    assert len(shop.razorpay.simulator.book.refunds) == 1


async def test_a_refund_of_a_qr_payment_finds_it_by_webhook(shop: Shop) -> None:
    await shop.open(PaymentMethodType.UPI_QR)
    await shop.pay()
    await shop.gateway.refund(shop.refund(10000))

    (paid,) = shop.razorpay.simulator.book.payments.values()
    heard = [told for told in shop.hear() if told.type == "refund.created"]

    assert [told.related_object_ids for told in heard] == [(paid.id,)]
    assert shop.state.refund_pending.minor == 10000


@pytest.mark.parametrize(("outcome", "status"), [("WON", DisputeStatus.WON), ("LOST", DisputeStatus.LOST)])
async def test_disputes_are_told_by_webhooks(shop: Shop, outcome: str, status: DisputeStatus) -> None:
    await shop.paid()
    await shop.razorpay.sim("dispute", reference=shop.reference)
    await shop.razorpay.sim("dispute/close", reference=shop.reference, outcome=outcome)

    shop.hear()

    (dispute,) = shop.state.disputes
    assert (dispute.status, dispute.amount) == (status, PRICE)


def page(*items: object) -> Answer:
    return Answer({"entity": "collection", "count": len(items), "items": list(items)})


def refused(description: str, status: int = 400, code: str = "BAD_REQUEST_ERROR", **more: str) -> Answer:
    return Answer({"error": {"code": code, "description": description, "reason": "NA", **more}}, status)


async def scripted(
    script: list[Behaviour], call: Callable[[Any], Awaitable[object]]
) -> tuple[object, ScriptedServer]:
    """Call a server that answers as it is told to, and return what the adapter makes of it."""
    async with ScriptedServer(script).running() as server:
        gateway = build(
            RazorpaySettings(key_id="rzp_test_1", key_secret="s", api_base=server.url, timeout_seconds=1.0)
        )
        try:
            return await call(gateway), server
        except GatewayError as error:
            return error, server
        finally:
            await gateway.aclose()


async def test_razorpay_may_capture_while_we_do() -> None:
    held, taken = payment("authorized"), payment("captured")
    script: list[Behaviour] = [
        Answer(order(status="attempted")),
        page(held),
        refused("Your payment has been declined as the order is already paid."),
        Answer(order()),
        page(taken),
        page(),
    ]

    answer, server = await scripted(script, lambda gateway: gateway.complete(handle("order_1"), "k"))

    assert told(answer) == PAID  # type: ignore[arg-type]
    assert [f"{asked.method} {asked.target}" for asked in server.requests[2:4]] == [
        "POST /v1/payments/pay_1/capture",
        "GET /v1/orders/order_1",
    ]


async def test_a_capture_that_is_refused_for_another_reason_stays_refused() -> None:
    held = payment("authorized")
    script: list[Behaviour] = [
        Answer(order(status="attempted")),
        page(held),
        refused("Something else is wrong with pay_1 of a.shopper@upi"),
        Answer(order(status="attempted")),
        page(held),
    ]

    error, _ = await scripted(script, lambda gateway: gateway.complete(handle("order_1"), "k"))

    assert isinstance(error, GatewayError)
    assert error.kind is GatewayErrorKind.REJECTED
    assert error.message == "Something else is wrong with pay_1 of a.****@upi"


async def test_an_order_that_is_paid_without_its_payment_is_asked_for_again_later() -> None:
    error, _ = await scripted([Answer(order()), page()], lambda gateway: gateway.fetch(handle("order_1")))

    assert isinstance(error, GatewayError)
    assert (error.kind, error.code) == (GatewayErrorKind.UNKNOWN, "inconsistent_answer")


@pytest.mark.parametrize(
    "answer",
    [
        "reset",
        "cut",
        "close",
        "hang",
        "trickle",
        Answer(b"<html>"),
        Answer(b""),
        Answer([]),
        Answer(None),
        Answer({"id": "order_1"}),
        Answer(order(amount="49900")),
        Answer(b"[" * 100_000),
        Answer(b"", 302, (("Location", "http://127.0.0.1:1/"),)),
        refused("Bank trouble", code="GATEWAY_ERROR"),
        refused("Own trouble", 400, code="SERVER_ERROR"),
    ],
)
async def test_an_answer_that_makes_no_sense_is_unknown(answer: Behaviour) -> None:
    error, _ = await scripted([answer], lambda gateway: gateway.fetch(handle("order_1")))

    assert isinstance(error, GatewayError)
    assert error.kind is GatewayErrorKind.UNKNOWN


async def test_an_amount_in_no_currency_is_unknown() -> None:
    script: list[Behaviour] = [Answer(order(status="attempted")), page(payment("authorized", currency="XXX"))]

    error, _ = await scripted(script, lambda gateway: gateway.fetch(handle("order_1")))

    assert isinstance(error, GatewayError)
    assert (error.kind, error.code) == (GatewayErrorKind.UNKNOWN, "unreadable_answer")


async def test_a_limit_says_when_to_come_again() -> None:
    limited = Answer({"error": {"code": "BAD_REQUEST_ERROR"}}, 429, (("Retry-After", "7"),))

    error, _ = await scripted([limited], lambda gateway: gateway.fetch(handle("order_1")))

    assert isinstance(error, GatewayError)
    assert (error.kind, error.retry_after_seconds) == (GatewayErrorKind.UNAVAILABLE, 7.0)


async def test_a_refund_goes_with_its_key_and_to_what_has_most_left() -> None:
    """Two payments for one order: both were captured, and the first is given back for the most part."""
    first = payment(amount_refunded=45000)
    second = payment(id="pay_2")
    made = {
        "id": "rfnd_9",
        "payment_id": "pay_2",
        "amount": 10000,
        "currency": "INR",
        "status": "pending",
        "created_at": 1,
    }
    script: list[Behaviour] = [Answer(order()), page(first, second), page(), page(), Answer(made)]

    answer, server = await scripted(script, lambda gateway: gateway.refund(refund_of("order_1")))

    asked = server.requests[-1]
    assert asked.target == "/v1/payments/pay_2/refund"
    assert len(asked.headers["x-refund-idempotency"]) == 64
    assert asked.headers["authorization"].startswith("Basic ")
    assert told(answer) == ["REFUND_PENDING"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (qr_code(image_content=None), {"type": "RedirectAction", "url": "https://rzp.io/i/1"}),
        (qr_code("closed", close_reason="on_demand"), None),
    ],
)
async def test_a_code_without_its_content_is_shown_by_razorpay(
    code: dict[str, Any], expected: dict[str, str] | None
) -> None:
    request = replace(CREATE, method=PaymentMethodType.UPI_QR)

    answer, _ = await scripted([page(), Answer(code)], lambda gateway: gateway.create(request))

    assert answer.next_action == expected  # type: ignore[attr-defined]


@pytest.mark.parametrize("url", [None, "javascript:alert(1)"])
async def test_a_code_that_can_not_be_shown_is_unknown(url: str | None) -> None:
    request = replace(CREATE, method=PaymentMethodType.UPI_QR)
    code = qr_code(image_content=None, image_url=url)

    error, _ = await scripted([page(), Answer(code)], lambda gateway: gateway.create(request))

    assert isinstance(error, GatewayError)
    assert error.kind is GatewayErrorKind.UNKNOWN
