"""The tables name exactly the edges that the rules take: no more, no fewer, and the document shows the same."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import combinations, pairwise, product
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import pytest

from app.domain.changes import CancelOrder, Change, FulfillOrder, OrderRecord
from app.domain.errors import DomainError, ErrorCode
from app.domain.facts import Fact, add_facts
from app.domain.facts import FactKind as Kind
from app.domain.machines import (
    FULFILLMENT_MACHINE,
    MACHINES,
    ORDER_MACHINE,
    PAYMENT_MACHINE,
    REFUND_MACHINE,
    StateMachine,
)
from app.domain.payment import payment_state
from app.domain.settlement import decide
from app.domain.states import (
    CaptureMethod,
    DisputeStatus,
    EventSource,
    FulfillmentStatus,
    LatePaymentPolicy,
    OrderStatus,
    PaymentStatus,
    RefundStatus,
)
from tests.domain.state_machines_page import PAGE, page
from tests.domain.told import (
    MANUAL,
    NOON,
    OTHER_PAYMENT_ID,
    REFUND_ID,
    a_payment,
    a_record,
    a_report,
    authorized,
    captured,
    fact,
    state_of,
    terms,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from app.domain.payment import PaymentTerms

Edges = set[tuple[str, str]]

BY_THE_CLOCK: Final = {(OrderStatus.PENDING, OrderStatus.EXPIRED)}
"""No change asks for it: time does."""


def declared(machine: StateMachine) -> Edges:
    """Return a table's edges."""
    return {(edge.source, edge.target) for edge in machine.transitions}


def observed(
    universe: Iterable[Fact], sets: Iterable[tuple[Fact, ...]], status: Callable[[Iterable[Fact]], str | None]
) -> Edges:
    """Return the edges that one more fact takes, from each of the sets."""
    seen: dict[frozenset[Fact], str | None] = {}

    def status_of(facts: Iterable[Fact]) -> str | None:
        key = frozenset(facts)
        if key not in seen:
            seen[key] = status(key)
        return seen[key]

    edges = set()
    one_more = list(universe)
    for told in sets:
        known, _ = add_facts({}, told)
        before = status_of(known.values())
        for fresh in one_more:
            after = status_of(add_facts(known, [fresh])[0].values())
            if before is not None and after is not None and before != after:
                edges.add((before, after))
    return edges


def up_to(most: int, facts: list[Fact]) -> Iterator[tuple[Fact, ...]]:
    """Yield every set of at most so many facts."""
    for size in range(most + 1):
        yield from combinations(facts, size)


TRIES: Final = [
    *(fact(kind, "a") for kind in (Kind.ATTEMPT_STARTED, Kind.ACTION_REQUIRED, Kind.PROCESSING, Kind.FAILED)),
    *(fact(kind, "b") for kind in (Kind.ATTEMPT_STARTED, Kind.ACTION_REQUIRED, Kind.FAILED)),
]
MONEY: Final = [
    authorized(object_id="c"),
    authorized(499, "c"),
    authorized(object_id="d", attempt_id="b"),
    fact(Kind.RELEASED, "c", 500),
    captured(300, "c"),
    captured(500, "c"),
    captured(200, "d", attempt_id="b"),
    fact(Kind.CANCELED, "p"),
    fact(Kind.LAPSED, "p"),
]


def _payment_status(asked: PaymentTerms, facts: Iterable[Fact]) -> PaymentStatus:
    return payment_state(asked, list(facts)).status


def test_payments_take_exactly_the_declared_edges() -> None:
    sets = [tries + money for tries in up_to(3, TRIES) for money in up_to(3, MONEY)]

    edges = {
        edge
        for method in CaptureMethod
        for edge in observed(TRIES + MONEY, sets, partial(_payment_status, terms(capture_method=method)))
    }

    assert edges == declared(PAYMENT_MACHINE)


def test_two_facts_at_once_take_no_other_edge() -> None:
    universe = TRIES + MONEY
    edges = {
        (state_of(*told, asked=MANUAL).status, state_of(*told, *more, asked=MANUAL).status)
        for told in up_to(2, universe)
        for more in combinations(universe, 2)
    }

    assert {edge for edge in edges if not PAYMENT_MACHINE.allows(*edge)} == set()


def test_what_is_paid_is_never_unpaid_again() -> None:
    reachable = {
        PaymentStatus.SUCCEEDED,
        *(target for s, target in declared(PAYMENT_MACHINE) if s == "SUCCEEDED"),
    }

    assert reachable == {PaymentStatus.SUCCEEDED, PaymentStatus.CONFLICTED}
    assert ("FAILED", "SUCCEEDED") in declared(PAYMENT_MACHINE)


def _refund_universe() -> list[Fact]:
    ours = [
        fact(kind, str(REFUND_ID), 200, own_id=REFUND_ID)
        for kind in (Kind.REFUND_REQUESTED, Kind.REFUND_FAILED)
    ]
    kinds = (Kind.REFUND_PENDING, Kind.REFUND_SUCCEEDED, Kind.REFUND_CANCELED, Kind.REFUND_FAILED)
    return [*ours, *(fact(kind, "r", 200, own_id=REFUND_ID) for kind in kinds)]


def _refund_status(facts: Iterable[Fact]) -> RefundStatus | None:
    refunds = state_of(*facts).refunds
    return refunds[0].status if refunds else None


def test_refunds_take_exactly_the_declared_edges() -> None:
    universe = _refund_universe()

    edges = observed(universe, up_to(len(universe), universe), _refund_status)

    assert edges == declared(REFUND_MACHINE)


def test_disputes_go_on_to_their_end_and_back_only_by_an_appeal() -> None:
    kinds = (Kind.DISPUTE_OPENED, Kind.DISPUTE_UNDER_REVIEW, Kind.DISPUTE_LOST, Kind.DISPUTE_WON)
    universe = [fact(kind, "d", 200) for kind in kinds]

    def status(facts: Iterable[Fact]) -> DisputeStatus | None:
        disputes = state_of(*facts).disputes
        return disputes[0].status if disputes else None

    edges = observed(universe, up_to(4, universe), status)

    rising = [DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW, DisputeStatus.LOST, DisputeStatus.WON]
    assert edges == set(combinations(rising, 2))


@pytest.mark.parametrize("before", FulfillmentStatus)
@pytest.mark.parametrize("after", FulfillmentStatus)
def test_goods_take_exactly_the_declared_edges(before: FulfillmentStatus, after: FulfillmentStatus) -> None:
    record = a_record(status=OrderStatus.CONFIRMED, fulfillment_status=before)
    change = FulfillOrder(status=after, message=None, source=EventSource.STAFF)

    if before is after:
        assert decide(record, change, NOON).record is record
    elif (before, after) in declared(FULFILLMENT_MACHINE):
        assert decide(record, change, NOON).record.order.fulfillment_status is after
    else:
        with pytest.raises(DomainError) as refused:
            decide(record, change, NOON)
        assert (refused.value.code, refused.value.field) == (ErrorCode.INVALID_STATE, ("status",))


def _order_changes() -> list[Change]:
    reports: list[Change] = [
        a_report(one)
        for one in (
            fact(Kind.PROCESSING),
            authorized(),
            captured(300),
            captured(),
            captured(501, "d"),
            fact(Kind.CANCELED, "p"),
            fact(Kind.REFUND_SUCCEEDED, "r", 500),
            fact(Kind.REFUND_FAILED, "r", 500),
            fact(Kind.DISPUTE_OPENED, "x", 500),
        )
    ]
    other = a_report(captured(object_id="e", attempt_id="b"), payment_id=OTHER_PAYMENT_ID)
    cancels: list[Change] = [
        CancelOrder(reason=None, source=EventSource.STAFF, confirmed_too=staff) for staff in (True, False)
    ]
    goods: list[Change] = [
        FulfillOrder(status=status, message=None, source=EventSource.STAFF)
        for status in (FulfillmentStatus.SHIPPED, FulfillmentStatus.DELIVERED, FulfillmentStatus.RETURNED)
    ]
    return [*reports, other, *cancels, *goods]


def _order_starts() -> Iterator[OrderRecord]:
    """Yield new orders under each policy, to be captured at once or later, open or expired."""
    for policy, method, status in product(
        LatePaymentPolicy, CaptureMethod, (OrderStatus.PENDING, OrderStatus.EXPIRED)
    ):
        payments = [a_payment(id=key, capture_method=method) for key in (UUID(int=2), OTHER_PAYMENT_ID)]
        yield a_record(*payments, status=status, late_payment_policy=policy)


def _settled(record: OrderRecord) -> tuple[Any, ...]:
    """Return what tells one point of the search from another: everything but versions and times."""
    order = replace(record.order, version=0, updated_at=NOON)
    told = [frozenset(payment.facts) for payment in record.payments.values()]
    amounts = [payment.state.captured.minor for payment in record.payments.values()]
    return (
        order.status,
        order.payment_status,
        order.fulfillment_status,
        order.late_payment_policy,
        *told,
        *amounts,
    )


def test_orders_take_exactly_the_declared_edges() -> None:
    edges: Edges = set()
    changes = _order_changes()
    front = list(_order_starts())
    seen = {_settled(record) for record in front}

    for _ in range(4):
        following = []
        for record, change in product(front, changes):
            try:
                decision = decide(record, change, NOON)
            except DomainError:
                continue
            steps = [record.order.status, *(event.status for event in decision.events)]
            edges |= {(before, after) for before, after in pairwise(steps) if before != after}
            if (point := _settled(decision.record)) not in seen:
                seen.add(point)
                following.append(decision.record)
        front = following

    assert edges | BY_THE_CLOCK == declared(ORDER_MACHINE)


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES.keys())
def test_a_machine_allows_its_edges_and_staying_and_nothing_else(machine: StateMachine) -> None:
    allowed = {pair for pair in product(machine.states, repeat=2) if machine.allows(*pair)}

    assert allowed == declared(machine) | {(state, state) for state in machine.states}
    assert len(declared(machine)) == len(machine.transitions)
    assert {state for edge in declared(machine) for state in edge} == set(machine.states)
    assert all(edge.on and edge.source != edge.target for edge in machine.transitions)
    assert not machine.allows(machine.states[0], "NO_STATE")


def test_every_kind_has_its_machine_and_every_state_its_place() -> None:
    states = {kind: set(machine.states) for kind, machine in MACHINES.items()}

    assert states == {
        "ORDER": set(OrderStatus),
        "PAYMENT": set(PaymentStatus),
        "REFUND": set(RefundStatus),
        "FULFILLMENT": set(FulfillmentStatus),
    }


def test_the_document_shows_the_tables() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.domain.state_machines_page"
