"""The payment's rules a second time, read from the design alone and written without a look at `app.domain.payment`.

Slow and plain on purpose: one question of the design after the other, asked of the whole set of facts.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.domain.facts import FactKind as Kind
from app.domain.money import Money
from app.domain.states import CaptureMethod, DisputeStatus, PaymentStatus, RefundStatus

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from app.domain.facts import Fact
    from app.domain.payment import PaymentTerms


@dataclass(frozen=True, slots=True)
class Expected:
    """What the design says of a set of facts; amounts in minor units."""

    status: PaymentStatus
    captured: int
    authorized: int
    refunds: list[tuple[RefundStatus, Money]]
    disputes: dict[str, tuple[DisputeStatus, Money]]
    disputed: int
    open_tries: set[str]
    late: bool


_TRY: Final = (Kind.ATTEMPT_STARTED, Kind.ACTION_REQUIRED, Kind.PROCESSING, Kind.FAILED)
_MONEY: Final = (Kind.AUTHORIZED, Kind.CAPTURED)


def expected(terms: PaymentTerms, facts: Collection[Fact]) -> Expected:
    """Answer every question about a payment."""
    captured = _amount(terms, facts, Kind.CAPTURED)
    held = _amount(terms, facts, Kind.AUTHORIZED) - _amount(terms, facts, Kind.RELEASED)
    if _has(facts, Kind.CANCELED):
        held = 0
    return Expected(
        status=_status(terms, facts, captured, held),
        captured=captured,
        authorized=max(captured, held),
        refunds=_refunds(terms, facts),
        disputes=_disputes(terms, facts),
        disputed=_disputed(terms, facts),
        open_tries={name for name, far in _tries(facts).items() if far in (0, 1, 2)},
        late=_late(terms, facts, captured),
    )


def _has(facts: Collection[Fact], *kinds: Kind) -> bool:
    return any(fact.kind in kinds for fact in facts)


def _amount(terms: PaymentTerms, facts: Collection[Fact], kind: Kind) -> int:
    total = 0
    for fact in facts:
        if fact.kind == kind and fact.amount and fact.amount.currency == terms.amount.currency:
            total += fact.amount.minor
    return total


def _differs(terms: PaymentTerms, facts: Collection[Fact], captured: int) -> bool:
    for fact in facts:
        if fact.amount is None:
            if fact.kind in _MONEY:
                return True
            continue
        if fact.amount.currency != terms.amount.currency:
            return True
        if fact.kind == Kind.AUTHORIZED and fact.amount.minor != terms.amount.minor:
            return True
        if fact.kind == Kind.CAPTURED and fact.amount.minor == 0:
            return True
    if terms.capture_method == CaptureMethod.MANUAL:
        return captured > terms.amount.minor
    return captured not in (0, terms.amount.minor)


def _tries(facts: Collection[Fact]) -> dict[str, int]:
    """How far each try came: 0 started, 1 waits for the shopper, 2 at the bank, 3 failed, 4 money, 5 given up."""
    tries: dict[str, int] = defaultdict(int)
    for fact in facts:
        if fact.kind in _TRY:
            name = fact.attempt_id or fact.object_id
            tries[name] = max(tries[name], _TRY.index(fact.kind))
    for fact in facts:
        if fact.kind in _MONEY:
            tries[fact.attempt_id or fact.object_id] = 4
    if _has(facts, Kind.CANCELED):
        return {name: far if far in (3, 4) else 5 for name, far in tries.items()}
    return dict(tries)


def _status(terms: PaymentTerms, facts: Collection[Fact], captured: int, held: int) -> PaymentStatus:
    tries = _tries(facts)
    furthest = max((far for far in tries.values() if far < 3), default=None)
    all_released = _has(facts, Kind.AUTHORIZED) and _has(facts, Kind.RELEASED)
    lines = [
        (_differs(terms, facts, captured), PaymentStatus.CONFLICTED),
        (captured >= terms.amount.minor, PaymentStatus.SUCCEEDED),
        (captured > 0, PaymentStatus.PARTIALLY_CAPTURED),
        (held > 0, PaymentStatus.REQUIRES_CAPTURE),
        (_has(facts, Kind.CANCELED) or all_released, PaymentStatus.CANCELED),
        (furthest == 2, PaymentStatus.PROCESSING),
        (_has(facts, Kind.LAPSED), PaymentStatus.EXPIRED),
        (bool(tries) and furthest is None, PaymentStatus.FAILED),
        (furthest == 1, PaymentStatus.REQUIRES_ACTION),
        (True, PaymentStatus.REQUIRES_PAYMENT_METHOD),
    ]
    return next(status for holds, status in lines if holds)


def _largest(terms: PaymentTerms, facts: Collection[Fact]) -> Money:
    """In what was asked, where that was ever told; else in whatever was."""
    known = [fact.amount for fact in facts if fact.amount is not None]
    own = [money.minor for money in known if money.currency == terms.amount.currency]
    if own or not known:
        return Money(max(own, default=0), terms.amount.currency)
    return max(known, key=lambda money: (money.minor, money.currency))


def _refunds(terms: PaymentTerms, facts: Collection[Fact]) -> list[tuple[RefundStatus, Money]]:
    """Every refund once: under our id where anybody ever named it together with the gateway's object."""
    ours: dict[str, UUID] = {}
    for fact in facts:
        if fact.kind.startswith("REFUND_") and fact.own_id is not None:
            ours[fact.object_id] = fact.own_id
    refunds: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        if fact.kind.startswith("REFUND_"):
            refunds[str(ours.get(fact.object_id, fact.object_id))].append(fact)
    found = []
    for name, everything in refunds.items():
        told = [fact for fact in everything if fact.object_id != name] or everything
        for kind, status in (
            (Kind.REFUND_FAILED, RefundStatus.FAILED),
            (Kind.REFUND_CANCELED, RefundStatus.CANCELED),
            (Kind.REFUND_SUCCEEDED, RefundStatus.SUCCEEDED),
        ):
            if _has(told, kind):
                found.append((status, _largest(terms, everything)))
                break
        else:
            found.append((RefundStatus.PENDING, _largest(terms, everything)))
    return sorted(found, key=lambda one: (one[0], one[1].minor, one[1].currency))


def _disputes(terms: PaymentTerms, facts: Collection[Fact]) -> dict[str, tuple[DisputeStatus, Money]]:
    disputes: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        if fact.kind.startswith("DISPUTE_"):
            disputes[fact.object_id].append(fact)
    found = {}
    for reference, told in disputes.items():
        status = DisputeStatus.NEEDS_RESPONSE
        if _has(told, Kind.DISPUTE_UNDER_REVIEW):
            status = DisputeStatus.UNDER_REVIEW
        if _has(told, Kind.DISPUTE_LOST):
            status = DisputeStatus.LOST
        if _has(told, Kind.DISPUTE_WON):  # an appeal may follow a loss
            status = DisputeStatus.WON
        found[reference] = (status, _at_stake(terms, told))
    return found


def _at_stake(terms: PaymentTerms, told: Collection[Fact]) -> Money:
    """What the end of a dispute says it was about, else its review, else its beginning."""
    for kind in (Kind.DISPUTE_WON, Kind.DISPUTE_LOST, Kind.DISPUTE_UNDER_REVIEW, Kind.DISPUTE_OPENED):
        for fact in told:
            if fact.kind == kind and fact.amount and fact.amount.currency == terms.amount.currency:
                return fact.amount
    return _largest(terms, told)


def _disputed(terms: PaymentTerms, facts: Collection[Fact]) -> int:
    """What is claimed and not won; of one capture less what the gateway gave back of it since the first claim."""
    disputed: dict[str | None, int] = defaultdict(int)
    since: dict[str, datetime] = {}
    for reference, (status, money) in _disputes(terms, facts).items():
        if status == DisputeStatus.WON or money.currency != terms.amount.currency or money.minor == 0:
            continue
        capture, when = _about(
            [fact for fact in facts if fact.object_id == reference and "DISPUTE" in fact.kind]
        )
        if capture is not None and when is not None:
            disputed[capture] += money.minor
            since[capture] = min(when, since.get(capture, when))
        else:
            disputed[None] += money.minor
    for reference in {fact.object_id for fact in facts if "REFUND" in fact.kind}:
        told = [fact for fact in facts if fact.object_id == reference and "REFUND" in fact.kind]
        given = _largest(terms, told)
        capture, when = _about(told)
        if _has(told, Kind.REFUND_FAILED, Kind.REFUND_CANCELED) or any(fact.own_id for fact in told):
            continue
        if (
            capture in since
            and when is not None
            and when >= since[capture]
            and given.currency == terms.amount.currency
        ):
            disputed[capture] -= given.minor
    return sum(max(minor, 0) for minor in disputed.values())


def _about(told: Collection[Fact]) -> tuple[str | None, datetime | None]:
    captures = [fact.attempt_id for fact in told if fact.attempt_id is not None]
    times = [fact.reported_at for fact in told if fact.reported_at is not None]
    return max(captures, default=None), min(times, default=None)


def _late(terms: PaymentTerms, facts: Collection[Fact], captured: int) -> bool:
    """The bank said yes to a failed try, after the time to pay, or to all of it although it was called off."""
    failed = {fact.attempt_id or fact.object_id for fact in facts if fact.kind == Kind.FAILED}
    paying = {
        fact.attempt_id or fact.object_id
        for fact in facts
        if fact.kind == Kind.CAPTURED or (fact.kind == Kind.AUTHORIZED and not _has(facts, Kind.CANCELED))
    }
    if failed & paying:
        return True
    if _has(facts, Kind.LAPSED) and _has(facts, *_MONEY):
        return True
    return _has(facts, Kind.CANCELED) and captured >= terms.amount.minor
