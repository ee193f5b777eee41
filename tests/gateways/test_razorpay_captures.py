"""Captures at Razorpay: all that is authorised, once, by Razorpay itself or by us, be the bank late or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.domain.money import Money
from app.domain.states import CaptureMethod, PaymentMethodType, PaymentStatus
from app.gateways import CaptureRequest, GatewayError, GatewayErrorKind
from tests.gateways.razorpay_objects import PRICE
from tests.gateways.razorpay_shop import Shop, shop_open, told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


PAID = ["ATTEMPT_STARTED", "AUTHORIZED", "CAPTURED"]
MANUAL = CaptureMethod.MANUAL


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """Open a shop."""
    async with shop_open() as shop:
        yield shop


def captured(shop: Shop, minor: int = PRICE.minor, *, final: bool = True) -> CaptureRequest:
    return CaptureRequest(
        payment=shop.payment, amount=Money(minor, "INR"), idempotency_key="capture-1", final=final
    )


async def test_an_automatic_payment_is_captured_by_razorpay(shop: Shop) -> None:
    await shop.paid("SUCCEEDS", "netbanking")

    answer = await shop.fetch()

    (payment,) = shop.razorpay.simulator.book.payments.values()
    assert (told(answer), answer.awaits_us) == (PAID, False)
    assert {fact.object_id for fact in answer.facts} == {payment.id}
    assert {fact.method for fact in answer.facts} == {PaymentMethodType.NETBANKING}
    assert shop.state.status is PaymentStatus.SUCCEEDED


async def test_what_razorpay_has_not_captured_waits_for_us(shop: Shop) -> None:
    shop.razorpay.simulator.book.captures_at_once = False
    await shop.paid()
    waiting = await shop.fetch()

    done = await shop.gateway.complete(shop.payment, "complete-1")
    again = await shop.gateway.complete(shop.payment, "complete-1")

    assert (told(waiting), waiting.awaits_us) == (["ATTEMPT_STARTED", "AUTHORIZED"], True)
    assert (told(done), done.awaits_us) == (PAID, False)
    assert again == done
    (truth,) = await shop.razorpay.truth()
    assert (truth["held_minor"], truth["captured_minor"]) == (0, 49900)


async def test_a_manual_payment_waits_for_nobody(shop: Shop) -> None:
    await shop.paid(capture_method=MANUAL)

    waiting = await shop.fetch()
    left = await shop.gateway.complete(shop.payment, "complete-1")

    assert (told(waiting), waiting.awaits_us) == (["ATTEMPT_STARTED", "AUTHORIZED"], False)
    assert left == waiting
    assert shop.state.status is PaymentStatus.REQUIRES_CAPTURE
    (truth,) = await shop.razorpay.truth()
    assert (truth["held_minor"], truth["captured_minor"]) == (49900, 0)


async def test_capturing_takes_all_of_it_once(shop: Shop) -> None:
    await shop.paid(capture_method=MANUAL)

    first = await shop.gateway.capture(captured(shop))
    again = await shop.gateway.capture(captured(shop))

    assert told(first) == PAID
    assert again.facts == first.facts
    assert shop.razorpay.told().count("payment.captured") == 1


@pytest.mark.parametrize(
    ("minor", "final", "code"),
    [
        (49899, True, "partial_capture_unsupported"),
        (49901, True, "partial_capture_unsupported"),
        (49900, False, "repeated_capture_unsupported"),
    ],
)
async def test_capturing_another_amount_is_refused_before_anything_is_done(
    shop: Shop, minor: int, *, final: bool, code: str
) -> None:
    await shop.paid(capture_method=MANUAL)
    await shop.razorpay.chaos(api_fail={"capture": {"answer": 500, "times": None}})

    with pytest.raises(GatewayError) as raised:
        await shop.gateway.capture(captured(shop, minor, final=final))

    assert (raised.value.kind, raised.value.code) == (GatewayErrorKind.REJECTED, code)
    assert shop.razorpay.told() == ["payment.authorized"]


async def test_there_is_nothing_to_capture_before_the_bank_said_yes(shop: Shop) -> None:
    await shop.paid("PENDS", capture_method=MANUAL)

    with pytest.raises(GatewayError) as raised:
        await shop.gateway.capture(captured(shop))

    assert (raised.value.kind, raised.value.code) == (GatewayErrorKind.REJECTED, "nothing_authorized")


async def test_a_failed_try_may_be_authorised_late(shop: Shop) -> None:
    await shop.paid("DECLINED", "upi")
    failed = await shop.fetch()
    status = shop.state.status
    await shop.razorpay.sim("resolve", reference=shop.reference, outcome="SUCCEEDS")

    await shop.fetch()

    assert (told(failed), status) == (["ATTEMPT_STARTED", "FAILED"], PaymentStatus.FAILED)
    assert (shop.state.status, shop.state.late_authorized) == (PaymentStatus.SUCCEEDED, True)


async def test_a_late_authorisation_that_is_not_captured_waits_for_us(shop: Shop) -> None:
    shop.razorpay.simulator.book.captures_at_once = False
    await shop.paid("DECLINED")
    await shop.razorpay.sim("resolve", reference=shop.reference, outcome="SUCCEEDS")

    assert (await shop.fetch()).awaits_us
    assert told(await shop.gateway.complete(shop.payment, "k")) == PAID


async def test_a_second_authorisation_is_not_captured_beside_the_first(shop: Shop) -> None:
    await shop.open()
    for _ in range(2):
        await shop.pay("PENDS")
    for _ in range(2):
        await shop.razorpay.sim("resolve", reference=shop.reference, outcome="SUCCEEDS")

    answer = await shop.fetch()
    await shop.gateway.complete(shop.payment, "complete-1")

    assert (told(answer).count("AUTHORIZED"), told(answer).count("CAPTURED"), answer.awaits_us) == (
        2,
        1,
        False,
    )
    (truth,) = await shop.razorpay.truth()
    assert (truth["held_minor"], truth["captured_minor"]) == (49900, 49900)


async def test_what_lapsed_is_released(shop: Shop) -> None:
    await shop.paid(capture_method=MANUAL)
    await shop.razorpay.sim("resolve", reference=shop.reference, outcome="DECLINED")

    await shop.fetch()
    await shop.hear()

    assert (shop.state.status, shop.state.refunds) == (PaymentStatus.CANCELED, ())
