"""The test cards do what developers know them for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.simulators.kit.display import show_amount
from app.simulators.sandbox.cards import passes_luhn, read_expiry, use_card
from tests.simulators.sandbox_world import until

if TYPE_CHECKING:
    from tests.simulators.sandbox_world import Sandbox

DECLINED = [
    ("4000000000000002", "card_declined", "generic_decline"),
    ("4000000000009995", "card_declined", "insufficient_funds"),
    ("4000000000000069", "expired_card", "expired_card"),
    ("4000000000000127", "incorrect_cvc", "incorrect_cvc"),
    ("4000000000000119", "processing_error", "processing_error"),
    ("5555555555554444", "card_declined", "test_card_unknown"),
]


async def test_the_good_card_pays(sandbox: Sandbox) -> None:
    payment = await sandbox.create()

    answer = await sandbox.pay(payment, "4242 4242 4242 4242")

    assert answer.status_code == 200
    paid = answer.json()
    assert (paid["status"], paid["amount_captured"], paid["amount_capturable"]) == ("succeeded", 49900, 0)
    (attempt,), (charge,) = paid["attempts"], paid["charges"]
    assert (attempt["status"], attempt["brand"], attempt["last4"]) == ("succeeded", "visa", "4242")
    assert (charge["attempt"], charge["amount_captured"], charge["authorized_at"]) == (
        attempt["id"],
        49900,
        None,
    )


@pytest.mark.parametrize(("number", "code", "decline_code"), DECLINED)
async def test_a_bad_card_is_declined_and_the_payment_stays_open(
    sandbox: Sandbox, number: str, code: str, decline_code: str
) -> None:
    payment = await sandbox.create()

    answer = await sandbox.pay(payment, number)

    error = answer.json()["error"]
    assert answer.status_code == 402
    assert (error["type"], error["code"], error["decline_code"]) == ("card_error", code, decline_code)
    now = await sandbox.payment(payment)
    assert error["payment"] == now
    assert (now["status"], now["charges"]) == ("requires_payment_method", [])
    assert [attempt["status"] for attempt in now["attempts"]] == ["failed"]
    assert (await sandbox.pay(payment)).json()["status"] == "succeeded"


@pytest.mark.parametrize("number", ["4242424242424241", "1234", "", "4" * 40, "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢"])
async def test_what_is_no_card_number_is_no_try(sandbox: Sandbox, number: str) -> None:
    payment = await sandbox.create()

    answer = await sandbox.pay(payment, number)

    assert (answer.status_code, answer.json()["error"]["code"]) == (402, "incorrect_number")
    assert (await sandbox.payment(payment))["attempts"] == []


@pytest.mark.parametrize(
    ("result", "status"), [("complete", "succeeded"), ("fail", "requires_payment_method")]
)
async def test_the_3d_secure_card_waits_for_the_shopper(sandbox: Sandbox, result: str, status: str) -> None:
    waiting = await sandbox.paid("4000002500003155")

    after = await sandbox.post(f"/v1/payments/{waiting['id']}/_authenticate", {"result": result})

    assert (waiting["status"], waiting["charges"]) == ("requires_action", [])
    assert after["status"] == status
    assert len(after["attempts"]) == 1


async def test_a_refund_to_the_7726_card_fails_after_it_had_succeeded(sandbox: Sandbox) -> None:
    paid = await sandbox.paid("4000000000007726")

    refund = await sandbox.post(f"/v1/payments/{paid['id']}/refunds", {"amount": 100})

    assert refund["status"] == "succeeded"
    after = await until(lambda: sandbox.payment(paid), lambda now: now["refunds"][0]["status"] == "failed")
    assert (after["amount_refunded"], after["refunds"][0]["failure_reason"]) == (
        0,
        "expired_or_canceled_card",
    )


async def test_the_0259_card_is_disputed_after_a_while(sandbox: Sandbox) -> None:
    paid = await sandbox.paid("4000000000000259")

    now = await until(lambda: sandbox.payment(paid), lambda now: bool(now["disputes"]))

    assert now["status"] == "succeeded"
    (dispute,) = now["disputes"]
    assert (dispute["status"], dispute["amount"], dispute["reason"]) == ("open", 49900, "fraudulent")


async def test_nothing_follows_from_an_ordinary_card(sandbox: Sandbox) -> None:
    special = await sandbox.paid("4000000000000259")
    ordinary = await sandbox.paid()

    await until(lambda: sandbox.payment(special), lambda now: bool(now["disputes"]))

    assert (await sandbox.payment(ordinary))["disputes"] == []


@pytest.mark.parametrize(
    ("number", "brand"),
    [
        ("4111111111111111", "visa"),
        ("5555555555554444", "mastercard"),
        ("2223003122003222", "mastercard"),
        ("378282246310005", "amex"),
        ("6011111111111117", "discover"),
        ("3566002020360505", "jcb"),
        ("6079300000000007", "rupay"),
        ("36227206271667", "unknown"),
    ],
)
def test_a_number_names_its_brand(number: str, brand: str) -> None:
    used = use_card(number)

    assert used is not None
    assert (used.brand, used.last4) == (brand, number[-4:])


def test_every_wrong_digit_fails_the_check() -> None:
    number = "4242424242424242"
    wrong = [
        number[:at] + digit + number[at + 1 :]
        for at in range(len(number))
        for digit in "0123456789"
        if digit != number[at]
    ]

    passing = [candidate for candidate in wrong if passes_luhn(candidate)]

    assert passes_luhn(number)
    assert passing == []


@pytest.mark.parametrize(
    ("text", "expiry"),
    [
        ("04/30", (2030, 4)),
        (" 12 / 2031 ", (2031, 12)),
        ("13/30", None),
        ("4/30", None),
        ("04-30", None),
        ("", None),
    ],
)
def test_an_expiry_is_a_month_and_a_year(text: str, expiry: tuple[int, int] | None) -> None:
    assert read_expiry(text) == expiry


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        (149900, "INR", "₹1,499.00"),
        (14999900, "INR", "₹1,49,999.00"),
        (1234567890123, "INR", "₹12,34,56,78,901.23"),
        (123456789, "USD", "$1,234,567.89"),
        (5, "USD", "$0.05"),
        (1499, "JPY", "¥1,499"),
        (1499500, "KWD", "KWD\u00a01,499.500"),
        (99, "CHF", "CHF\u00a00.99"),
    ],
)
def test_an_amount_is_shown_as_people_read_it(minor: int, currency: str, shown: str) -> None:
    assert show_amount(minor, currency) == shown
