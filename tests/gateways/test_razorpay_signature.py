"""Razorpay's signatures: published vectors, the official SDK, and forgeries."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from app.gateways import GatewayError, GatewayErrorKind, SignatureError
from app.gateways.razorpay.callback import check_callback
from app.gateways.razorpay.signature import check_webhook, is_callback_signed
from tests.gateways.razorpay_objects import event, gateway, payment

NOW: Final = datetime(2026, 11, 26, tzinfo=UTC)
SECRET: Final = b"123456"
BODY: Final = b'{"a":1,"b":2,"c":{"d":3}}'
SIGNATURE: Final = "2fe04e22977002e6c7cb553adab8b460cb9e2a4970d5953cb27a8472752e3bbc"
"""Source: razorpay-node, test/utils/razorpay-utils.spec.js, "validateWebhookSignature"."""
KEY_SECRET: Final = b"rzp_fake_key_secret_for_tests"
ORDER: Final = "order_TESTORDER00001"
PAYMENT: Final = "pay_TESTPAYMENT0001"
CALLBACK_SIGNATURE: Final = "2c4929760d55e2d13e0195d36c3c923896bf7db90966ffa05fb688a5b1f5a48d"
"""Made here, and found good by the official SDK razorpay 2.0.1."""
CALLBACK: Final = {
    "razorpay_order_id": ORDER,
    "razorpay_payment_id": PAYMENT,
    "razorpay_signature": CALLBACK_SIGNATURE,
}


def signed(body: bytes, secret: str) -> dict[str, str]:
    return {"x-razorpay-signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def test_the_published_vector_is_good() -> None:
    check_webhook(SIGNATURE, BODY, [SECRET])


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "missing"),
        ("", "missing"),
        (SIGNATURE.upper(), "mismatch"),
        (SIGNATURE[:-1], "mismatch"),
        (SIGNATURE + "0", "mismatch"),
        (f" {SIGNATURE}", "mismatch"),
        ("é" * 64, "mismatch"),
        ("?" * 64, "mismatch"),
        ("0" * 100_000, "mismatch"),
    ],
)
def test_another_signature_is_refused(header: str | None, reason: str) -> None:
    with pytest.raises(SignatureError) as raised:
        check_webhook(header, BODY, [SECRET])

    assert raised.value.reason == reason


@pytest.mark.parametrize("body", [BODY + b" ", BODY.replace(b"1", b"2"), b""])
def test_other_bytes_are_refused(body: bytes) -> None:
    with pytest.raises(SignatureError, match="mismatch"):
        check_webhook(SIGNATURE, body, [SECRET])


def test_without_a_secret_nothing_is_believed() -> None:
    empty = hmac.new(b"", BODY, hashlib.sha256).hexdigest()

    with pytest.raises(SignatureError, match="mismatch"):
        check_webhook(empty, BODY, [])


@pytest.mark.parametrize("secret", ["new", "old"])
async def test_a_webhook_may_be_signed_with_any_of_the_secrets(secret: str) -> None:
    body = event("payment.captured", payment=payment())

    delivery = await gateway().verify(signed(body, secret), body, NOW)

    assert delivery.body == body


async def test_a_webhook_signed_with_the_key_secret_is_refused() -> None:
    body = event("payment.captured", payment=payment())

    with pytest.raises(SignatureError, match="mismatch"):
        await gateway().verify(signed(body, "key-secret"), body, NOW)


def test_the_callback_of_the_checkout_is_checked_by_our_own_reference() -> None:
    check_callback(CALLBACK, ORDER, KEY_SECRET)
    check_callback({**CALLBACK, "razorpay_order_id": None}, ORDER, KEY_SECRET)
    check_callback(
        {"razorpayPaymentId": PAYMENT, "razorpayOrderId": ORDER, "razorpaySignature": CALLBACK_SIGNATURE},
        ORDER,
        KEY_SECRET,
    )
    check_callback({}, ORDER, KEY_SECRET)


@pytest.mark.parametrize(
    ("data", "reference", "code"),
    [
        (CALLBACK, "order_OTHER", "payment_mismatch"),
        ({**CALLBACK, "razorpay_order_id": None}, "order_OTHER", "signature_mismatch"),
        ({**CALLBACK, "razorpay_payment_id": "pay_OTHER"}, ORDER, "signature_mismatch"),
        ({**CALLBACK, "razorpay_signature": "0" * 64}, ORDER, "signature_mismatch"),
        ({**CALLBACK, "razorpay_signature": "é"}, ORDER, "signature_mismatch"),
        ({**CALLBACK, "razorpay_signature": "\ud800"}, ORDER, "signature_mismatch"),
        ({**CALLBACK, "razorpay_payment_id": "\ud800"}, ORDER, "signature_mismatch"),
        ({**CALLBACK, "razorpay_signature": None}, ORDER, "invalid_callback"),
        ({**CALLBACK, "razorpay_payment_id": None}, ORDER, "invalid_callback"),
        ({**CALLBACK, "razorpay_signature": ["x"]}, ORDER, "invalid_callback"),
        ({**CALLBACK, "razorpay_payment_id": 7}, ORDER, "invalid_callback"),
        ({**CALLBACK, "razorpay_payment_id": ""}, ORDER, "invalid_callback"),
        ({**CALLBACK, "razorpay_signature": "0" * 257}, ORDER, "invalid_callback"),
    ],
)
def test_a_callback_that_is_not_signed_for_this_payment_is_refused(
    data: dict[str, Any], reference: str, code: str
) -> None:
    with pytest.raises(GatewayError) as raised:
        check_callback(data, reference, KEY_SECRET)

    assert (raised.value.kind, raised.value.code) == (GatewayErrorKind.REJECTED, code)


@pytest.mark.parametrize("secret", ["123456", "a secret with spaces", "x" * 200])
def test_the_official_sdk_agrees(secret: str) -> None:
    sdk = pytest.importorskip("razorpay")
    client = sdk.Client(auth=("rzp_test_1", secret))
    body = event("order.paid", payment=payment(description="ümläut"))
    signature = signed(body, secret)["x-razorpay-signature"]
    callback = hmac.new(secret.encode(), f"{ORDER}|{PAYMENT}".encode(), hashlib.sha256).hexdigest()

    client.utility.verify_webhook_signature(body.decode(), signature, secret)
    check_webhook(signature, body, [secret.encode()])
    client.utility.verify_payment_signature({**CALLBACK, "razorpay_signature": callback})
    assert is_callback_signed(ORDER, PAYMENT, callback, secret.encode())
    with pytest.raises(sdk.errors.SignatureVerificationError):
        client.utility.verify_webhook_signature(body.decode() + " ", signature, secret)
    with pytest.raises(SignatureError):
        check_webhook(signature, body + b" ", [secret.encode()])
