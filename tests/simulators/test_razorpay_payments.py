"""The simulator of Razorpay: orders, tries, captures, UPI intent and QR codes, as documented."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.simulators.razorpay_world import CAPTURE_MANUALLY, KEY_ID, Razorpay, razorpay_serving
from tests.simulators.sandbox_world import TLS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def razorpay() -> AsyncIterator[Razorpay]:
    """Run a simulator without webhooks."""
    async with razorpay_serving() as razorpay:
        yield razorpay


QR_CODE: dict[str, Any] = {
    "type": "upi_qr",
    "usage": "single_use",
    "fixed_amount": True,
    "payment_amount": 49900,
    "notes": {"payment_id": "p1"},
}


async def test_an_order_is_found_by_its_receipt(razorpay: Razorpay) -> None:
    order = await razorpay.order(receipt="r-1", notes={"payment_id": "p"})
    await razorpay.order(receipt="r-2")

    page = await razorpay.get("/v1/orders", receipt="r-1")

    assert page == {"entity": "collection", "count": 1, "items": [order]}
    assert (order["status"], order["amount_due"], order["attempts"]) == ("created", 49900, 0)
    assert order["notes"] == {"payment_id": "p"}
    assert (await razorpay.order())["notes"] == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"amount": 99}, "The amount must be at least INR 1.00"),
        ({"amount": "49900"}, "The amount must be an integer."),
        ({"amount": 499.0}, "The amount must be an integer."),
        ({"currency": "ZZZ"}, "Currency is not supported"),
        ({"currency": "KWD", "amount": 99991}, "The amount is invalid."),
        ({"receipt": "r" * 41}, "The receipt may not be greater than 40 characters."),
        ({"colour": "red"}, "colour is/are not required and should not be sent"),
        ({"notes": {f"k{n}": "v" for n in range(16)}}, "Number of fields in notes"),
        ({"notes": {"k": "v" * 257}}, "notes value may not be greater"),
        ({"payment": {"capture": "automatic"}}, "The automatic expiry period field is required."),
        (
            {
                "payment": {
                    "capture": "automatic",
                    "capture_options": {"automatic_expiry_period": 11, "refund_speed": "normal"},
                }
            },
            "The automatic expiry period is invalid.",
        ),
        (
            {
                "payment": {
                    "capture": "manual",
                    "capture_options": {"manual_expiry_period": 7201, "refund_speed": "normal"},
                }
            },
            "The manual expiry period may not be greater than 7200.",
        ),
    ],
)
async def test_an_order_that_breaks_the_rules_is_refused(
    razorpay: Razorpay, body: dict[str, Any], said: str
) -> None:
    status, description = await razorpay.refusal("/v1/orders", {"amount": 49900, "currency": "INR", **body})

    assert (status, description[: len(said)]) == (400, said)
    assert razorpay.simulator.book.orders == {}


async def test_nobody_gets_in_without_the_keys(razorpay: Razorpay) -> None:
    async with httpx2.AsyncClient(base_url=razorpay.url, trust_env=False, verify=TLS) as stranger:
        none = await stranger.get("/v1/orders")
        wrong = await stranger.get("/v1/orders", auth=httpx2.BasicAuth(KEY_ID, "wrong"))
        control = await stranger.get("/_sim/truth")

    assert (none.status_code, wrong.status_code, control.status_code) == (401, 401, 401)
    assert none.json()["error"]["code"] == "BAD_REQUEST_ERROR"


async def test_an_automatic_order_is_captured_and_paid_at_once(razorpay: Razorpay) -> None:
    payment = await razorpay.paid("SUCCEEDS", "netbanking")

    order = await razorpay.get(f"/v1/orders/{payment['order_id']}")
    assert (payment["status"], payment["captured"], payment["method"]) == ("captured", True, "netbanking")
    assert (order["status"], order["amount_paid"], order["amount_due"]) == ("paid", 49900, 0)
    assert razorpay.told() == ["payment.authorized", "payment.captured", "order.paid"]
    assert await razorpay.sim_status("pay", reference=order["id"], outcome="SUCCEEDS") == 409


async def test_a_manual_order_waits_for_a_capture_of_exactly_what_is_authorised(razorpay: Razorpay) -> None:
    payment = await razorpay.paid(payment=CAPTURE_MANUALLY)
    path = f"/v1/payments/{payment['id']}/capture"

    partly = await razorpay.refusal(path, {"amount": 100, "currency": "INR"})
    captured = await razorpay.post(path, {"amount": 49900, "currency": "INR"})
    again = await razorpay.refusal(path, {"amount": 49900, "currency": "INR"})

    assert payment["status"] == "authorized"
    assert partly == (400, "Capture amount must be equal to the amount authorized.")
    assert (captured["status"], captured["captured"]) == ("captured", True)
    assert again[0] == 400
    assert again[1].startswith("Your payment has been declined as the order is already paid.")


async def test_a_declined_try_leaves_the_order_to_another(razorpay: Razorpay) -> None:
    declined = await razorpay.paid("DECLINED", "upi")
    order_id = declined["order_id"]
    attempted = await razorpay.get(f"/v1/orders/{order_id}")

    await razorpay.sim("pay", reference=order_id, outcome="SUCCEEDS")

    assert (declined["status"], declined["error_reason"]) == ("failed", "payment_failed")
    assert (declined["vpa"], attempted["status"], attempted["attempts"]) == (
        "failure@razorpay",
        "attempted",
        1,
    )
    statuses = [payment["status"] for payment in await razorpay.payments(attempted)]
    assert statuses == ["failed", "captured"]


async def test_a_failed_payment_may_be_authorised_late(razorpay: Razorpay) -> None:
    failed = await razorpay.paid("DECLINED", payment=CAPTURE_MANUALLY)

    await razorpay.sim("resolve", reference=failed["order_id"], outcome="SUCCEEDS")

    late = await razorpay.get(f"/v1/payments/{failed['id']}")
    assert (late["status"], late["captured"], late["error_code"]) == ("authorized", False, None)
    assert razorpay.told() == ["payment.failed", "payment.authorized"]


async def test_what_pends_is_created_until_the_bank_decides(razorpay: Razorpay) -> None:
    pending = await razorpay.paid("PENDS", "upi")

    await razorpay.sim("resolve", reference=pending["order_id"], outcome="DECLINED")

    assert pending["status"] == "created"
    assert (await razorpay.get(f"/v1/payments/{pending['id']}"))["status"] == "failed"
    assert await razorpay.sim_status("resolve", reference=pending["order_id"], outcome="DECLINED") == 409


async def test_what_is_never_captured_goes_back_by_itself(razorpay: Razorpay) -> None:
    held = await razorpay.paid(payment=CAPTURE_MANUALLY)

    await razorpay.sim("resolve", reference=held["order_id"], outcome="DECLINED")

    returned = await razorpay.get(f"/v1/payments/{held['id']}")
    assert (returned["status"], returned["captured"], returned["amount_refunded"]) == (
        "refunded",
        False,
        49900,
    )
    (truth,) = await razorpay.truth()
    assert (truth["held_minor"], truth["captured_minor"], truth["refunds"]) == (0, 0, [])


async def test_a_upi_link_is_what_the_shopper_pays_by(razorpay: Razorpay) -> None:
    order = await razorpay.order()
    asked = {
        "amount": 49900,
        "currency": "INR",
        "order_id": order["id"],
        "email": "a@example.com",
        "contact": "+919000090000",
        "method": "upi",
        "upi": {"flow": "intent"},
    }

    intent = await razorpay.post("/v1/payments/create/upi", asked)
    await razorpay.sim("pay", reference=order["id"], outcome="SUCCEEDS")

    assert intent["link"].startswith("upi://pay?")
    assert "am=499.00" in intent["link"]
    (payment,) = await razorpay.payments(order)
    assert (payment["id"], payment["status"]) == (intent["razorpay_payment_id"], "captured")
    assert payment["upi"]["flow"] == "intent"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"contact": None}, "The contact field is required."),
        ({"amount": 100}, "Your payment amount is different from your order amount."),
        ({"upi": {"flow": "collect"}}, "The selected flow is invalid."),
        ({"upi": None}, "The upi field is required."),
        ({"order_id": "order_none"}, "The id provided does not exist"),
    ],
)
async def test_a_upi_payment_that_breaks_the_rules_is_refused(
    razorpay: Razorpay, change: dict[str, Any], said: str
) -> None:
    order = await razorpay.order()
    asked = {
        "amount": 49900,
        "currency": "INR",
        "order_id": order["id"],
        "email": "a@example.com",
        "contact": "+919000090000",
        "upi": {"flow": "intent"},
    }

    refused = await razorpay.refusal("/v1/payments/create/upi", {**asked, **change})

    assert refused == (400, said)
    assert await razorpay.payments(order) == []


async def test_a_qr_code_takes_one_payment_and_closes(razorpay: Razorpay) -> None:
    code = await razorpay.post("/v1/payments/qr_codes", QR_CODE)

    await razorpay.sim("pay", reference=code["id"], outcome="SUCCEEDS")

    (payment,) = (await razorpay.get(f"/v1/payments/qr_codes/{code['id']}/payments"))["items"]
    closed = await razorpay.get(f"/v1/payments/qr_codes/{code['id']}")
    assert (code["status"], code["close_by"] - code["created_at"]) == ("active", 7200)
    assert (payment["order_id"], payment["status"], payment["notes"]) == (
        None,
        "captured",
        {"payment_id": "p1"},
    )
    assert (closed["status"], closed["close_reason"]) == ("closed", "paid")
    assert (closed["payments_amount_received"], closed["payments_count_received"]) == (49900, 1)
    assert razorpay.told() == ["qr_code.created", "payment.captured", "qr_code.credited"]
    assert await razorpay.sim_status("pay", reference=code["id"], outcome="SUCCEEDS") == 409


async def test_a_closed_qr_code_takes_nothing(razorpay: Razorpay) -> None:
    code = await razorpay.post("/v1/payments/qr_codes", QR_CODE)
    path = f"/v1/payments/qr_codes/{code['id']}/close"

    closed = await razorpay.post(path)

    assert (closed["status"], closed["close_reason"]) == ("closed", "on_demand")
    assert razorpay.told() == ["qr_code.created", "qr_code.closed"]
    assert (await razorpay.refusal(path))[0] == 400
    assert await razorpay.sim_status("pay", reference=code["id"], outcome="SUCCEEDS") == 409


@pytest.mark.parametrize(
    "change",
    [
        {"usage": "multiple_use"},
        {"fixed_amount": False},
        {"payment_amount": 1},
        {"close_by": 1},
        {"type": "x"},
    ],
)
async def test_a_qr_code_that_breaks_the_rules_is_refused(razorpay: Razorpay, change: dict[str, Any]) -> None:
    assert (await razorpay.refusal("/v1/payments/qr_codes", {**QR_CODE, **change}))[0] == 400
    assert razorpay.simulator.book.codes == {}


async def test_lists_are_cut_into_pages_newest_first(razorpay: Razorpay) -> None:
    codes = [(await razorpay.post("/v1/payments/qr_codes", QR_CODE))["id"] for _ in range(3)]

    first = await razorpay.get("/v1/payments/qr_codes", count=2)
    second = await razorpay.get("/v1/payments/qr_codes", count=2, skip=2)
    long_ago = await razorpay.get("/v1/payments/qr_codes", to=1000)

    assert [code["id"] for code in first["items"] + second["items"]] == codes[::-1]
    assert long_ago["items"] == []
