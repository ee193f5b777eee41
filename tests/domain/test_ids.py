"""Public ids name one row, sort as the rows do, and can't be taken for another kind's."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.ids import IdPrefix, decode_as, decode_id, encode_id
from tests.domain.told import examples

SOME_ID = UUID("01234567-89ab-7def-8123-456789abcdef")
HIGHEST = UUID(int=2**128 - 1)
UUIDS = st.integers(0, 2**128 - 1).map(lambda number: UUID(int=number))


@pytest.mark.parametrize(
    ("value", "public"),
    [
        (UUID(int=0), "ord_00000000000000000000000000"),
        (UUID(int=31), "ord_0000000000000000000000000z"),
        (SOME_ID, "ord_014d2pf2dbfqqr28t5cy4tqkff"),
        (HIGHEST, "ord_7zzzzzzzzzzzzzzzzzzzzzzzzz"),
    ],
)
def test_an_id_is_crockford_base32(value: UUID, public: str) -> None:
    assert encode_id(IdPrefix.ORDER, value) == public
    assert decode_id(public) == (IdPrefix.ORDER, value)


@examples(500)
@given(st.sampled_from(IdPrefix), UUIDS)
def test_an_id_survives_the_way_out_and_back(prefix: IdPrefix, value: UUID) -> None:
    assert decode_id(encode_id(prefix, value)) == (prefix, value)


@examples(500)
@given(UUIDS, UUIDS)
def test_ids_sort_as_their_rows_do(left: UUID, right: UUID) -> None:
    assert (encode_id(IdPrefix.ORDER, left) < encode_id(IdPrefix.ORDER, right)) == (left < right)


@examples(500)
@given(st.text(max_size=40) | st.from_regex(r"(ord|pay)_[0-9a-z]{25,27}", fullmatch=True))
def test_whatever_is_read_is_written_the_same(text: str) -> None:
    decoded = decode_id(text)

    assert decoded is None or encode_id(*decoded) == text


@pytest.mark.parametrize(
    "public",
    [
        "",
        "_",
        "ord",
        "ord_",
        "ord_0000000000000000000000000",
        "ord_000000000000000000000000000",
        "_00000000000000000000000000",
        "ORD_00000000000000000000000000",
        "xyz_00000000000000000000000000",
        "ord-00000000000000000000000000",
        "ord__0000000000000000000000000",
        "ord_0000000000000000000000000u",
        "ord_0000000000000000000000000I",
        "ord_0000000000000000000000000Z",
        "ord_0000000000000000000000000٣",
        " ord_00000000000000000000000000",
        "ord_00000000000000000000000000\n",
        "ord_80000000000000000000000000",
        str(SOME_ID),
    ],
)
def test_a_malformed_id_names_nothing(public: str) -> None:
    assert decode_id(public) is None
    assert decode_as(IdPrefix.ORDER, public) is None


@pytest.mark.parametrize("prefix", list(IdPrefix))
@pytest.mark.parametrize("wanted", list(IdPrefix))
def test_an_id_of_one_kind_is_none_of_another(prefix: IdPrefix, wanted: IdPrefix) -> None:
    expected = SOME_ID if prefix is wanted else None

    assert decode_as(wanted, encode_id(prefix, SOME_ID)) == expected
