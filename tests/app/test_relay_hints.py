"""The messages between processes: as few as fit, and nothing else is understood."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.relay.hints import MESSAGE_BYTES_MAX, Hints, decode, encode, encode_echo, encode_everything


@given(st.dictionaries(st.uuids(), st.integers(1, 2**53), max_size=600))
def test_versions_survive_the_way_in_messages_of_bounded_size(versions: dict[UUID, int]) -> None:
    messages = list(encode("f00d", versions.items()))

    decoded = [decode(message) for message in messages]
    assert all(hints is not None and hints.origin == "f00d" and not hints.everything for hints in decoded)
    assert [hint for hints in decoded if hints for hint in hints.versions] == list(versions.items())
    assert all(len(message.encode()) <= MESSAGE_BYTES_MAX for message in messages)


def test_many_orders_share_a_message() -> None:
    assert len(list(encode("f00d", [(uuid4(), 7) for _ in range(1_000)]))) == 5


def test_everything_and_the_echo_are_told_apart() -> None:
    assert decode(encode_everything("a1")) == Hints(origin="a1", versions=(), everything=True)
    assert decode(encode_echo("a1")) == Hints(origin="a1", versions=(), everything=False)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "1",
        "1 ",
        "2 a1",
        "1 A1",
        "1 a1 ",
        "1 a1 * *",
        "1 a1 12",
        "1 a1 zz:1",
        f"1 a1 {UUID(int=1).hex}:0",
        f"1 a1 {UUID(int=1).hex}:-1",
        f"1 a1 {UUID(int=1).hex}:{'9' * 19}",
        f"1 a1 {UUID(int=1)}:1",
        f"1 a1  {UUID(int=1).hex}:1",
        f"1 a1 {UUID(int=1).hex}:1\n",
        "1 " + "a" * 33,
        "\0resync",
        None,
        b"1 a1",
        5,
    ],
)
def test_what_is_not_ours_is_not_understood(message: object) -> None:
    assert decode(message) is None
