"""What is known of a watched order only ever becomes newer, whatever is read or committed late."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.order import OrderChange, OrderSnapshot
from app.live.watch import Watch
from tests.making import an_order


@pytest.mark.parametrize("late", [1, 4, 5])
def test_what_is_not_newer_replaces_nothing(late: int) -> None:
    order = an_order()
    newest = OrderSnapshot(order=replace(order, version=5), lines=(), adjustments=(), payments=())
    older = replace(newest, order=replace(order, version=late))
    watch = Watch(order.id, 8)

    shown = watch.refresh(newest, [])
    again = watch.refresh(older, [])
    told = watch.apply(OrderChange(order=older.order, payments=(), events=()), 0.0)

    assert (shown, again, told) == (True, False, False)
    assert watch.snapshot is newest


def test_what_is_newer_replaces_what_was_known() -> None:
    order = an_order()
    known = OrderSnapshot(order=replace(order, version=5), lines=(), adjustments=(), payments=())
    watch = Watch(order.id, 8)
    watch.refresh(known, [])

    told = watch.apply(OrderChange(order=replace(order, version=6), payments=(), events=()), 0.0)

    assert told
    assert watch.version == 6
