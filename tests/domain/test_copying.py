"""A copy with other values is what `dataclasses.replace` would return, of every kind of row that is copied often."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.domain.copying import copy_with
from app.domain.states import OrderStatus, PaymentStatus
from tests.domain.told import LATER, a_payment, an_order, captured


@pytest.mark.parametrize(
    ("row", "values"),
    [
        (an_order(), {"status": OrderStatus.CONFIRMED, "paid_minor": 500, "updated_at": LATER}),
        (a_payment(), {"status": PaymentStatus.SUCCEEDED, "reference": "r"}),
        (captured(), {"recorded_at": LATER}),
        (an_order(), {}),
    ],
)
def test_a_copy_has_the_new_values_and_all_the_others(row: Any, values: dict[str, Any]) -> None:  # noqa: ANN401
    before = replace(row)

    copy = copy_with(row, **values)

    assert copy == replace(row, **values)
    assert copy is not row
    assert row == before


def test_a_field_that_is_not_there_is_refused() -> None:
    with pytest.raises(TypeError, match="Order has no colour, statos"):
        copy_with(an_order(), statos=OrderStatus.CONFIRMED, colour="red")


def test_a_copy_can_t_be_changed_either() -> None:
    copy = copy_with(an_order(), version=2)

    with pytest.raises(AttributeError):
        copy.version = 3  # type: ignore[misc]  # that is the point
