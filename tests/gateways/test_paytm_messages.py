"""Paytm's messages are split at their outermost object alone, and what is named twice is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.gateways.contract import SignatureError
from app.gateways.paytm.checksum import sign
from app.gateways.paytm.messages import read_object, split
from app.gateways.paytm.webhooks import check_delivery

KEY = b"0123456789abcdef"
GOOD = '{"orderId":"O1","status":"TXN_SUCCESS"}'
FORGED = '{"orderId":"O2","status":"TXN_SUCCESS"}'


def is_taken(text: str) -> bool:
    try:
        check_delivery(text.encode(), KEY)
    except SignatureError:
        return False
    return True


def message(head: str, body: str) -> str:
    return f'{{"head":{head},"body":{body}}}'


def signed(body: str) -> str:
    return f'{{"signature":"{sign(body, KEY)}"}}'


def test_a_body_is_returned_as_it_is_written() -> None:
    text = ' {\n "version" : "v1", "body" : { "a" : [1,  2.50, "\\u00e9"] } ,"head":{"signature":"s"} } \r\n'

    assert split(text) == ({"signature": "s"}, '{ "a" : [1,  2.50, "\\u00e9"] }')


def test_what_is_signed_is_taken_in_either_order() -> None:
    assert is_taken(message(signed(GOOD), GOOD))
    assert is_taken(f'{{"body":{GOOD},"head":{signed(GOOD)}}}')
    assert not is_taken(message(signed(GOOD), FORGED))
    assert not is_taken(message(signed(GOOD), f"{GOOD[:-1]} }}"))


@pytest.mark.parametrize(
    "forgery",
    [
        f'{{"x":{{"body":{GOOD}}},"body":{FORGED},"head":{signed(GOOD)}}}',
        f'{{"head":{signed(GOOD)},"x":{{"body":{GOOD}}},"body":{FORGED}}}',
        f'{{"body":{GOOD},"body":{FORGED},"head":{signed(GOOD)}}}',
        f'{{"body":{FORGED},"head":{signed(GOOD)},"head":{signed(FORGED)[:-2]}x"}}}}',
        f'{{"head":{signed(GOOD)},"b\\u006fdy":{FORGED},"body":{GOOD}}}',
        f'{{"head":{{"signature":"x","body":{GOOD}}},"body":{FORGED}}}',
        f"{message(signed(GOOD), GOOD)}{FORGED}",
        f'"{GOOD}"',
        f"[{message(signed(GOOD), GOOD)}]",
        message(signed(GOOD), GOOD).replace('{"head"', '{,"head"'),
        message("[]", GOOD),
        message("null", GOOD),
        '{"head":{}}',
        "{}",
        "{",
        '{"head"',
        '{"head":NaN,"body":{}}',
        "{" * 100_000,
        '{"head":' + "[" * 100_000,
    ],
)
def test_forgeries_and_nonsense_are_refused(forgery: str) -> None:
    assert not is_taken(forgery)


def test_what_is_named_twice_anywhere_is_refused() -> None:
    body = '{"orderId":"O1","amount":{"value":"1.00","value":"2.00"}}'

    assert not is_taken(message(signed(body), body))
    with pytest.raises(ValueError, match="twice"):
        read_object(body)


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_whatever_comes_is_a_refusal_and_no_breakage(text: str) -> None:
    assert not is_taken(text)


@given(st.binary(max_size=80))
def test_whatever_bytes_come_are_a_refusal(raw: bytes) -> None:
    with pytest.raises(SignatureError):
        check_delivery(raw, KEY)
