"""Stripe's webhook signature: checked against the official SDK's signer and its published vector."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from app.gateways.contract import SignatureError
from app.gateways.stripe import StripeSettings, build
from app.gateways.stripe.signature import check_signature

SECRET: Final = "whsec_test_secret"
OTHER: Final = "whsec_other_secret"
T: Final = 1_700_000_000
NOW: Final = datetime.fromtimestamp(T, UTC)
BODY: Final = b'{\n  "id": "evt_test_webhook",\n  "object": "event"\n}'
GOOD: Final = "4f1cd7feda9826e746b7d482c4badebb657398df1099e1046364f6196a230150"


def signed_by_sdk(body: bytes, secret: str = SECRET, timestamp: int = T) -> str:
    header: str = stripe.WebhookSignature.generate_signature_header(body.decode(), secret, timestamp)
    return header


def refused(
    header: str | None, body: bytes = BODY, secrets: tuple[str, ...] = (SECRET,), now: datetime = NOW
) -> str:
    with pytest.raises(SignatureError) as raised:
        check_signature(header, body, secrets, now)
    return raised.value.reason


def test_the_published_vector_is_accepted() -> None:
    check_signature(f"t={T},v1={GOOD}", BODY, (SECRET,), NOW)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200), st.integers(0, 2**31))
def test_what_the_official_sdk_signs_is_accepted(text: str, timestamp: int) -> None:
    body = text.encode()

    check_signature(
        signed_by_sdk(body, timestamp=timestamp), body, (SECRET,), datetime.fromtimestamp(timestamp, UTC)
    )


def test_each_flipped_bit_of_the_body_is_noticed() -> None:
    header = signed_by_sdk(BODY)
    reasons = set()

    for position in range(len(BODY) * 8):
        flipped = bytearray(BODY)
        flipped[position // 8] ^= 1 << position % 8
        reasons.add(refused(header, bytes(flipped)))

    assert reasons == {"mismatch"}


def test_each_flipped_bit_of_the_signature_is_noticed() -> None:
    for position in range(len(GOOD) * 7):
        flipped = bytearray(GOOD.encode())
        flipped[position // 7] ^= 1 << position % 7
        text = flipped.decode()

        # A bit may turn a digit into the comma that ends a value; then it is cut short, and as wrong.
        assert refused(f"t={T},v1={text}") == "mismatch"


@pytest.mark.parametrize("seconds", [-300, -299, 0, 299, 300])
def test_a_timestamp_within_the_tolerance_is_accepted(seconds: int) -> None:
    check_signature(signed_by_sdk(BODY, timestamp=T + seconds), BODY, (SECRET,), NOW)


@pytest.mark.parametrize(("seconds", "reason"), [(-301, "timestamp_too_old"), (301, "timestamp_in_future")])
def test_a_timestamp_beyond_the_tolerance_is_refused(seconds: int, reason: str) -> None:
    assert refused(signed_by_sdk(BODY, timestamp=T + seconds)) == reason


def test_an_old_timestamp_made_new_is_refused() -> None:
    old = signed_by_sdk(BODY, timestamp=T - 3600)

    assert refused(old.replace(f"t={T - 3600}", f"t={T}")) == "mismatch"


def test_while_a_secret_is_rolled_either_of_the_two_verifies() -> None:
    old, new = signed_by_sdk(BODY), signed_by_sdk(BODY, OTHER)
    both = f"{old},{new.partition(',')[2]}"

    check_signature(both, BODY, (SECRET,), NOW)
    check_signature(both, BODY, (OTHER,), NOW)
    check_signature(old, BODY, (OTHER, SECRET), NOW)
    check_signature(new, BODY, (OTHER, SECRET), NOW)
    assert refused(old, secrets=(OTHER,)) == "mismatch"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "missing_header"),
        ("", "missing_header"),
        (f"v1={GOOD}", "malformed_header"),
        (f"t=,v1={GOOD}", "malformed_header"),
        (f"t=-1,v1={GOOD}", "malformed_header"),
        (f"t=1_700_000_000,v1={GOOD}", "malformed_header"),
        (f"t=170000000²,v1={GOOD}", "malformed_header"),
        (f"t=\u0661\u0667,v1={GOOD}", "malformed_header"),
        (f"t={'9' * 13},v1={GOOD}", "malformed_header"),
        (f"t={T},t={T},v1={GOOD}", "malformed_header"),
        (f"t={T},v1=é{GOOD[1:]}", "malformed_header"),
        (f"t={T}" + f",v1={GOOD}" * 32, "malformed_header"),
        (f"t={T}", "no_supported_scheme"),
        (f"t={T},v0={GOOD}", "no_supported_scheme"),
        (f"t={T},v2={GOOD}", "no_supported_scheme"),
        (f"t={T},V1={GOOD}", "no_supported_scheme"),
        (f"t={T},v1=", "mismatch"),
        (f"t={T},v1={GOOD.upper()}", "mismatch"),
        (f"t={T},v1={GOOD[:-1]}", "mismatch"),
        (f"t=0{T},v1={GOOD}", "mismatch"),
        ("garbage", "malformed_header"),
    ],
)
def test_a_header_that_proves_nothing_is_refused_with_its_reason(header: str | None, reason: str) -> None:
    assert refused(header) == reason


def test_without_a_secret_nothing_is_accepted() -> None:
    forged = hmac.new(b"", f"{T}.".encode() + BODY, sha256).hexdigest()

    assert refused(f"t={T},v1={forged}", secrets=()) == "no_secret"


@pytest.mark.parametrize("secret", ["", " ", "whsec_é"])
def test_a_secret_that_anyone_could_guess_is_refused_at_once(secret: str) -> None:
    with pytest.raises(ValueError, match="webhook secret"):
        StripeSettings(
            secret_key="sk_test_of_tests", publishable_key="pk_test_of_tests", webhook_secrets=(secret,)
        )


async def test_the_gateway_verifies_the_raw_bytes() -> None:
    gateway = build(
        StripeSettings(
            secret_key="sk_test_of_tests", publishable_key="pk_test_of_tests", webhook_secrets=(SECRET,)
        )
    )
    headers = {"stripe-signature": f"t={T},v1={GOOD}"}

    delivery = await gateway.verify(headers, BODY, NOW + timedelta(seconds=20))

    assert delivery.body == BODY
    with pytest.raises(SignatureError, match="mismatch"):
        await gateway.verify(headers, BODY.replace(b"  ", b" "), NOW)
