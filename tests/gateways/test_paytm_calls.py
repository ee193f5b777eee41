"""Paytm's adapter over real sockets: orders, links, codes, refunds, and answers that never came."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from app.domain.money import Money
from app.domain.states import CaptureMethod, PaymentMethodType, PaymentStatus, RefundStatus
from app.gateways import CaptureRequest, GatewayError, GatewayErrorKind
from app.gateways.paytm import PaytmSettings, build
from app.identity import new_id
from app.simulators.kit import Control
from app.simulators.kit.chaos import read_chaos
from app.simulators.paytm.account import now
from app.simulators.paytm.signer import form_checksum
from tests.gateways.paytm_shop import KEY, MID, PRICE, shop_open, told
from tests.gateways.scripted_http import Answer, ScriptedServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from app.gateways.paytm import PaytmGateway
    from tests.gateways.paytm_shop import Shop


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with shop_open(timeout_seconds=1.0) as opened:
        yield opened


async def refusal(call: Awaitable[object]) -> GatewayError:
    with pytest.raises(GatewayError) as raised:
        await call
    return raised.value


def fail(shop: Shop, operation: str, answer: object, times: int = 1) -> None:
    faults: dict[str, Any] = {"api_fail": {operation: {"answer": answer, "times": times}}}
    shop.paytm.chaos = read_chaos(faults, sorted(shop.paytm.operations))


async def test_a_checkout_is_opened_with_the_orders_token(shop: Shop) -> None:
    request = shop.request()
    answer = await shop.gateway.create(request)
    again = await shop.gateway.create(request)

    (order,) = shop.paytm.book.orders.values()
    assert answer.reference == order.id == str(shop.payment_id)
    assert answer.next_action is not None
    assert answer.next_action["sdk"] == "paytm"
    parameters = answer.next_action["parameters"]
    assert (parameters["token"], parameters["amount"], parameters["mid"]) == (order.token, "499.00", MID)
    assert again.next_action == answer.next_action


async def test_another_amount_for_the_same_payment_is_refused(shop: Shop) -> None:
    await shop.gateway.create(shop.request())

    error = await refusal(shop.gateway.create(shop.request(amount=Money(100, "INR"))))

    assert (error.kind, error.code) == (GatewayErrorKind.REJECTED, "2023")


async def test_a_link_opens_a_upi_app_and_a_code_says_the_same(shop: Shop) -> None:
    link = await shop.gateway.create(shop.request(PaymentMethodType.UPI_INTENT))
    code = await shop.gateway.create(shop.request(PaymentMethodType.UPI_QR, payment_id=new_id()))

    assert link.next_action is not None
    assert link.next_action["type"] == "UpiIntentAction"
    assert link.next_action["uri"].startswith("upi://pay?")
    assert "am=499.00" in link.next_action["uri"]
    assert code.next_action is not None
    assert code.next_action["payload"].startswith("upi://pay?")
    assert code.next_action["image_svg"].startswith("<svg")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"capture_method": CaptureMethod.MANUAL}, "preauth_unsupported"),
        ({"amount": Money(499_00, "USD")}, "currency_not_supported"),
    ],
)
async def test_what_paytm_does_not_take_is_refused_unsent(
    shop: Shop, changes: dict[str, Any], code: str
) -> None:
    error = await refusal(shop.gateway.create(shop.request(**changes)))

    assert (error.kind, error.code) == (GatewayErrorKind.REJECTED, code)
    assert shop.paytm.book.orders == {}


async def test_holds_are_not_captured_later(shop: Shop) -> None:
    capture = CaptureRequest(payment=shop.payment, amount=PRICE, idempotency_key="capture-1")

    assert (await refusal(shop.gateway.capture(capture))).code == "preauth_unsupported"


async def test_what_nobody_began_to_pay_has_nothing_to_say(shop: Shop) -> None:
    await shop.gateway.create(shop.request())

    assert told(await shop.gateway.fetch(shop.payment)) == []


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Control.SUCCEEDS, PaymentStatus.SUCCEEDED),
        (Control.DECLINED, PaymentStatus.FAILED),
        (Control.ASKS, PaymentStatus.PROCESSING),
        (Control.PENDS, PaymentStatus.PROCESSING),
    ],
)
async def test_what_became_of_it_is_told(shop: Shop, outcome: Control, status: PaymentStatus) -> None:
    await shop.paid(outcome)

    state = await shop.asked()

    assert state.status is status
    assert (await shop.asked()) == state, "asking twice adds nothing"
    if status is PaymentStatus.FAILED:
        assert state.last_error is not None
        assert state.last_error.code == "227"


async def test_a_late_yes_is_money_all_the_same(shop: Shop) -> None:
    await shop.paid(Control.DECLINED)
    await shop.asked()
    shop.paytm.resolve(shop.reference, Control.SUCCEEDS)

    state = await shop.asked()

    assert (state.status, state.late_authorized) == (PaymentStatus.SUCCEEDED, True)
    assert state.captured == PRICE


async def test_another_amount_than_asked_is_a_conflict(shop: Shop) -> None:
    await shop.gateway.create(shop.request())
    shop.paytm.mischarge(shop.reference, 49_800)

    assert (await shop.asked()).status is PaymentStatus.CONFLICTED


async def test_given_up_it_stays_open_to_what_may_come(shop: Shop) -> None:
    await shop.gateway.create(shop.request())
    shop.learn(await shop.gateway.cancel(shop.payment, "changed_mind", "cancel-1"))
    before = shop.state.status
    shop.paytm.pay(shop.reference, Control.SUCCEEDS, None)

    state = await shop.asked()

    assert before is PaymentStatus.EXPIRED
    assert (state.status, state.late_authorized) == (PaymentStatus.SUCCEEDED, True)


@pytest.mark.parametrize(
    ("outcome", "code"), [(Control.SUCCEEDS, "already_captured"), (Control.PENDS, "under_way")]
)
async def test_what_may_still_be_taken_is_not_given_up(shop: Shop, outcome: Control, code: str) -> None:
    await shop.paid(outcome)

    error = await refusal(shop.gateway.cancel(shop.payment, None, "cancel-1"))

    assert (error.kind, error.code) == (GatewayErrorKind.REJECTED, code)


async def test_a_refund_is_pending_until_paytm_sends_it(shop: Shop) -> None:
    await shop.paid()
    await shop.asked()
    request = shop.refund(20_000)
    shop.refund_ids = (request.refund_id,)
    shop.learn(await shop.gateway.refund(request))
    (pending,) = shop.state.refunds
    order = shop.paytm.book.orders[shop.reference]
    (refund,) = order.refunds.values()
    shop.paytm.book.credit(order, refund)

    (sent,) = (await shop.asked()).refunds

    assert (pending.status, sent.status) == (RefundStatus.PENDING, RefundStatus.SUCCEEDED)
    assert (pending.id, sent.id, sent.amount.minor) == (request.refund_id, request.refund_id, 20_000)


@pytest.mark.parametrize("answer", ["hang_after", "garbage_after", 500])
async def test_a_refund_without_an_answer_is_made_once(shop: Shop, answer: object) -> None:
    await shop.paid()
    request = shop.refund(20_000)
    fail(shop, "refund", answer)

    lost = await refusal(shop.gateway.refund(request))
    again = await shop.gateway.refund(request)

    assert lost.kind is GatewayErrorKind.UNKNOWN
    assert told(again) == ["REFUND_PENDING"]
    assert len(shop.paytm.book.orders[shop.reference].refunds) == 1


async def test_a_refund_that_failed_is_told(shop: Shop) -> None:
    await shop.paid()
    request = shop.refund(20_000)
    shop.refund_ids = (request.refund_id,)
    await shop.gateway.refund(request)
    shop.paytm.fail_refund(shop.reference)

    (refund,) = (await shop.asked()).refunds

    assert refund.status is RefundStatus.FAILED


async def test_the_last_paise_are_given_back_too(shop: Shop) -> None:
    await shop.paid()

    for minor in (PRICE.minor - 50, 50):
        assert told(await shop.gateway.refund(shop.refund(minor))) == ["REFUND_PENDING"]


async def test_what_was_not_paid_is_not_given_back(shop: Shop) -> None:
    await shop.gateway.create(shop.request())

    assert (await refusal(shop.gateway.refund(shop.refund(100)))).code == "nothing_captured"


async def test_an_unknown_refund_has_nothing_to_say(shop: Shop) -> None:
    await shop.paid()
    shop.refund_ids = (new_id(),)

    assert (await shop.asked()).refunds == ()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (429, GatewayErrorKind.UNAVAILABLE),
        (500, GatewayErrorKind.UNKNOWN),
        (503, GatewayErrorKind.UNKNOWN),
        (404, GatewayErrorKind.REJECTED),
        ("hang", GatewayErrorKind.UNKNOWN),
        ("garbage_after", GatewayErrorKind.UNKNOWN),
    ],
)
async def test_a_call_that_fails_says_what_may_have_happened(
    shop: Shop, answer: object, kind: GatewayErrorKind
) -> None:
    fail(shop, "create", answer)

    assert (await refusal(shop.gateway.create(shop.request()))).kind is kind


async def test_a_call_that_nobody_takes_did_not_happen(shop: Shop) -> None:
    closed = PaytmSettings(mid=MID, merchant_key=KEY, api_base="http://127.0.0.1:9")
    gateway = type(shop.gateway)(closed)

    error = await refusal(gateway.create(shop.request()))
    await gateway.aclose()

    assert error.kind is GatewayErrorKind.UNAVAILABLE


async def test_another_key_is_refused(shop: Shop) -> None:
    wrong = PaytmSettings(mid=MID, merchant_key="f" * 16, api_base=shop.paytm.url)
    gateway = type(shop.gateway)(wrong)

    error = await refusal(gateway.create(shop.request()))
    await gateway.aclose()

    assert (error.kind, error.code) == (GatewayErrorKind.REJECTED, "2005")


async def test_a_callback_is_believed_as_far_as_it_is_signed(shop: Shop) -> None:
    await shop.paid()
    form = {"ORDERID": shop.reference, "STATUS": "TXN_SUCCESS", "TXNDATE": str(now())}
    signed = {**form, "CHECKSUMHASH": form_checksum(form, KEY)}

    answer = await shop.gateway.confirm(shop.payment, signed, "confirm-1")
    nothing = await shop.gateway.confirm(shop.payment, {}, "confirm-2")
    forged = await refusal(shop.gateway.confirm(shop.payment, {**signed, "STATUS": "X"}, "confirm-3"))
    foreign = await refusal(shop.gateway.confirm(shop.payment, {**signed, "ORDERID": "O2"}, "confirm-4"))
    huge = await refusal(shop.gateway.confirm(shop.payment, {"X": "x" * 3000}, "confirm-5"))

    assert told(answer) == told(nothing) == ["ATTEMPT_STARTED", "CAPTURED"]
    assert [forged.code, foreign.code, huge.code] == [
        "signature_mismatch",
        "payment_mismatch",
        "invalid_callback",
    ]


PAID: dict[str, Any] = {"orderId": "", "txnId": "T1", "txnAmount": "499.00", "mid": MID}


def said(status: str, code: str, message: str = "x", **body: Any) -> Answer:  # noqa: ANN401 - JSON
    return Answer({"head": {}, "body": {"resultInfo": _info(status, code, message), **body}})


def _info(status: str, code: str, message: str) -> dict[str, str]:
    return {"resultStatus": status, "resultCode": code, "resultMsg": message}


@asynccontextmanager
async def answering(*script: Answer) -> AsyncIterator[PaytmGateway]:
    """Speak to a server that answers so, one after the other."""
    async with ScriptedServer(list(script)).running() as server:
        gateway = build(PaytmSettings(mid=MID, merchant_key=KEY, api_base=server.url))
        yield gateway
        await gateway.aclose()


def paid(shop: Shop, **changes: Any) -> Answer:  # noqa: ANN401 - JSON
    return said("TXN_SUCCESS", "01", **{**PAID, "orderId": shop.reference, **changes})


@pytest.mark.parametrize("there", ["617", "629"])
@pytest.mark.parametrize(
    "looked_up", [said("TXN_FAILURE", "631"), said("PENDING", "601"), said("PENDING", "501")]
)
async def test_a_refund_that_is_there_and_not_yet_shown_is_not_called_refused(
    shop: Shop, there: str, looked_up: Answer
) -> None:
    async with answering(paid(shop), said("TXN_FAILURE", there), looked_up) as gateway:
        error = await refusal(gateway.refund(shop.refund(100)))

    assert error.kind is GatewayErrorKind.UNKNOWN


async def test_a_refund_whose_state_is_not_told_is_not_called_none(shop: Shop) -> None:
    shop.refund_ids = (new_id(),)
    async with answering(paid(shop), said("PENDING", "601")) as gateway:
        error = await refusal(gateway.fetch(shop.payment))

    assert error.kind is GatewayErrorKind.UNKNOWN


@pytest.mark.parametrize("code", ["330", "335"])
async def test_a_wrong_key_is_no_decline(shop: Shop, code: str) -> None:
    async with answering(said("TXN_FAILURE", code, orderId=shop.reference)) as gateway:
        asked = await refusal(gateway.fetch(shop.payment))
        given_up = await refusal(gateway.cancel(shop.payment, None, "cancel-1"))

    assert [asked.kind, given_up.kind] == [GatewayErrorKind.REJECTED] * 2


@pytest.mark.parametrize(
    "changes",
    [
        {"orderId": "ANOTHER"},
        {"mid": "ANOTHER"},
        {"txnAmount": ""},
        {"txnId": ""},
        {"txnAmount": "1.234"},
        {"orderId": None},
    ],
)
async def test_a_success_that_is_not_of_this_payment_or_not_whole_is_not_believed(
    shop: Shop, changes: dict[str, object]
) -> None:
    async with answering(paid(shop, **changes)) as gateway:
        error = await refusal(gateway.fetch(shop.payment))

    assert (error.kind, error.code) == (GatewayErrorKind.UNKNOWN, "unreadable_answer")


async def test_long_words_and_odd_signs_hide_no_money(shop: Shop) -> None:
    message = "x" * 5000 + "\x00\ud800"
    async with answering(
        said("TXN_SUCCESS", "01", message, **{**PAID, "orderId": shop.reference, "txnId": "T\x001"})
    ) as gateway:
        answer = await gateway.fetch(shop.payment)

    assert told(answer) == ["ATTEMPT_STARTED", "CAPTURED"]
    assert answer.facts[1].object_id == "T1"


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"body":{}}', b"\xff", b"[" * 100_000])
async def test_an_answer_that_makes_no_sense_is_unknown(shop: Shop, raw: bytes) -> None:
    async with answering(Answer(raw)) as gateway:
        error = await refusal(gateway.fetch(shop.payment))

    assert error.kind is GatewayErrorKind.UNKNOWN
