"""Paytm's checksum: made and checked as Paytm's own library does, and what is malformed is a refusal."""

from __future__ import annotations

import base64
import random
import secrets

import paytmchecksum  # type: ignore[import-untyped]  # Paytm gives it none
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.gateways.contract import SignatureError
from app.gateways.paytm.checksum import CHECKSUM_FIELD, check, check_form, form_texts, sign
from app.simulators.paytm.signer import checksum, form_checksum, is_checksum

KEY = "0123456789abcdef"
JSON = '{"mid":"TESTMID0001","orderId":"ORDER_1","txnAmount":{"value":"1.00","currency":"INR"}}'
JSON_CHECKSUM = (
    "sipZh+TG+3W7LGwo06yuD+vr9ChmsC4grW/JY6WZqg3KZ69eJsiqS1ZLIlpn6FJ4"
    "HInPdpIR9NdhMp9iHb6UoILqZW/EE7D0KS0G/r+v5gk="
)
FORM = {
    "MID": "TESTMID0001",
    "ORDERID": "ORDER_1",
    "TXNAMOUNT": "1.00",
    "STATUS": "TXN_SUCCESS",
    "BANKTXNID": "null",
    "RESPCODE": "01",
}
FORM_CHECKSUM = (
    "LeKZPOTk6CNTLD9GAPdk7tdZ89iMdaJay628Zb1dsuNe8pvfbHvHyR9jjLw9vxDc"
    "KaPWKgEMG6PDNWTeKS85DkVHfEukLpnS81waKFI14+Q="
)
"""Made by Paytm's Python library with the salt `aB3=`; the JSON one by its library for Node.js, too."""


def is_good(text: str, given_checksum: str, key: str = KEY) -> bool:
    try:
        check(text, given_checksum, key.encode())
    except SignatureError:
        return False
    return True


def is_good_form(fields: dict[str, str], key: str = KEY) -> bool:
    try:
        check_form(fields, key.encode())
    except SignatureError:
        return False
    return True


def test_what_paytms_library_signed_is_good() -> None:
    assert is_good(JSON, JSON_CHECKSUM)
    assert is_good_form({**FORM, CHECKSUM_FIELD: FORM_CHECKSUM})


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200))
def test_texts_are_signed_and_checked_as_paytms_library_does(text: str) -> None:
    assert paytmchecksum.PaytmChecksum.verifySignature(text, KEY, sign(text, KEY.encode()))
    assert is_good(text, paytmchecksum.PaytmChecksum.generateSignature(text, KEY))
    assert is_good(text, checksum(text, KEY))
    assert is_checksum(text, sign(text, KEY.encode()), KEY)


@given(
    st.dictionaries(
        st.text("ABCDEFXYZ", min_size=1, max_size=6),
        st.text(st.characters(codec="ascii"), max_size=20),
        min_size=1,
        max_size=6,
    )
)
def test_forms_are_checked_as_paytms_library_signs_them(fields: dict[str, str]) -> None:
    theirs = paytmchecksum.PaytmChecksum.generateSignature(dict(fields), KEY)

    assert is_good_form({**fields, CHECKSUM_FIELD: theirs})
    assert is_good_form({**fields, CHECKSUM_FIELD: form_checksum(fields, KEY)})


def test_the_word_null_is_read_as_either_library_does() -> None:
    assert form_texts({"A": "null", "B": "x"}) == ["|x", "null|x"]
    assert form_texts({"A": "y", "B": "x"}) == ["y|x"]


def test_a_salt_is_never_used_twice_in_a_row() -> None:
    assert len({sign(JSON, KEY.encode()) for _ in range(50)}) == 50


def test_another_key_and_another_text_are_refused() -> None:
    assert not is_good(JSON, JSON_CHECKSUM, "fedcba9876543210")
    assert not is_good(f"{JSON} ", JSON_CHECKSUM)
    assert not is_good_form({**FORM, "TXNAMOUNT": "2.00", CHECKSUM_FIELD: FORM_CHECKSUM})


def test_every_changed_bit_of_a_checksum_is_noticed() -> None:
    good = JSON_CHECKSUM.encode()
    for at in range(len(good)):
        for bit in range(8):
            changed = bytearray(good)
            changed[at] ^= 1 << bit
            assert not is_good(JSON, changed.decode("latin-1")), (at, bit)


def test_every_changed_bit_of_a_text_is_noticed() -> None:
    for at in range(len(JSON)):
        for bit in range(7):
            changed = bytearray(JSON.encode())
            changed[at] ^= 1 << bit
            assert not is_good(changed.decode(), JSON_CHECKSUM), (at, bit)


@pytest.mark.parametrize(
    ("given_checksum", "reason"),
    [
        (None, "missing"),
        ("", "missing"),
        ("not base64!", "malformed"),
        ("é" * 108, "malformed"),
        (JSON_CHECKSUM + "\n", "malformed"),
        (JSON_CHECKSUM[:-1], "malformed"),
        (JSON_CHECKSUM * 2, "malformed"),
        (base64.b64encode(bytes(79)).decode(), "malformed"),
        (base64.b64encode(bytes(96)).decode(), "malformed"),
        (base64.b64encode(bytes(80)).decode(), "mismatch"),
        ("=" * 5000, "malformed"),
    ],
)
def test_what_is_no_checksum_is_a_refusal(given_checksum: str | None, reason: str) -> None:
    with pytest.raises(SignatureError) as refusal:
        check(JSON, given_checksum, KEY.encode())

    assert refusal.value.reason == reason


def test_random_ciphertexts_are_refusals_and_never_break_anything() -> None:
    dice = random.Random(1)  # noqa: S311 - noise is no secret
    for _ in range(20_000):
        noise = base64.b64encode(dice.randbytes(80)).decode()
        assert not is_good(JSON, noise)
    assert not is_good(JSON, base64.b64encode(secrets.token_bytes(80)).decode())


def test_a_form_says_nothing_of_what_its_values_mean() -> None:
    renamed = dict(zip(["A", "B", "C", "D", "E", "F"], [FORM[name] for name in sorted(FORM)], strict=True))

    assert is_good_form({**renamed, CHECKSUM_FIELD: FORM_CHECKSUM}), "which is why a form is a hint alone"
