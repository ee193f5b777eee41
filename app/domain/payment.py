"""What a payment is: a pure function of what was asked and of the set of facts known about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from app.domain.disputed import disputed_minor
from app.domain.facts import Fact, FactKind, Failure
from app.domain.money import Money
from app.domain.refunds import disputes_of, refunds_of
from app.domain.states import CaptureMethod, PaymentAttemptStatus, PaymentStatus, RefundStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from app.domain.facts import FactsByKind
    from app.domain.refunds import Dispute, Refund
    from app.domain.states import PaymentMethodType


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentTerms:
    """What was asked of the gateway."""

    amount: Money
    capture_method: CaptureMethod


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentAttempt:
    """One try of the shopper. Its furthest step counts; a failed try may still be authorised, late."""

    reference: str
    status: PaymentAttemptStatus
    method: PaymentMethodType | None
    failure: Failure | None
    created_at: datetime
    failed: bool
    """Whether the gateway said at any time that this try had failed."""

    @property
    def is_open(self) -> bool:
        """Whether money may still come of this try without a new one."""
        return self.status in _OPEN_STEPS


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentState:
    """Everything that follows from the facts of one payment. Amounts are in the payment's currency."""

    status: PaymentStatus
    authorized: Money
    captured: Money
    refunded: Money
    refund_pending: Money
    disputed: Money
    attempts: tuple[PaymentAttempt, ...]
    refunds: tuple[Refund, ...]
    disputes: tuple[Dispute, ...]
    last_error: Failure | None
    late_authorized: bool
    conflict: str | None
    foreign: Money | None = None
    """What was captured in another currency than asked; the largest, should there be several."""
    foreign_refunded: int = 0
    foreign_refund_pending: int = 0
    given_up: bool = False
    """Whether it was canceled, or all that was authorised released."""

    @property
    def capturable(self) -> Money:
        """What is authorised and neither captured nor released."""
        return self.authorized - self.captured

    @property
    def refundable(self) -> Money:
        """What of the captured money is still there to give back; below zero when too much was given back."""
        return self.captured - self.refunded - self.refund_pending - self.disputed

    @property
    def held(self) -> Money:
        """What of the captured money is still there and not on its way back, in the currency that came in."""
        if self.foreign is not None:
            return Money(
                self.foreign.minor - self.foreign_refunded - self.foreign_refund_pending,
                self.foreign.currency,
            )
        return self.refundable

    @property
    def under_way(self) -> bool:
        """Whether a shopper's money may be on its way."""
        return self.status in _UNDER_WAY


_OPEN_STEPS: Final = frozenset(
    {
        PaymentAttemptStatus.STARTED,
        PaymentAttemptStatus.ACTION_REQUIRED,
        PaymentAttemptStatus.PROCESSING,
    }
)
_UNDER_WAY: Final = frozenset({PaymentStatus.PROCESSING, PaymentStatus.REQUIRES_ACTION})
_STEP_OF: Final = {
    FactKind.ATTEMPT_STARTED: PaymentAttemptStatus.STARTED,
    FactKind.ACTION_REQUIRED: PaymentAttemptStatus.ACTION_REQUIRED,
    FactKind.PROCESSING: PaymentAttemptStatus.PROCESSING,
    FactKind.FAILED: PaymentAttemptStatus.FAILED,
    FactKind.AUTHORIZED: PaymentAttemptStatus.AUTHORIZED,
    FactKind.CAPTURED: PaymentAttemptStatus.SUCCEEDED,
}
_STEP_RANK: Final = {status: rank for rank, status in enumerate(_STEP_OF.values())}
_MONEY_KINDS: Final = (FactKind.AUTHORIZED, FactKind.CAPTURED)


def payment_state(terms: PaymentTerms, facts: Collection[Fact]) -> PaymentState:
    """Derive a payment's state. The order and number of tellings of the facts make no difference."""
    currency = terms.amount.currency
    if not facts:
        return _untold(currency)
    told = _by_kind(facts)
    conflict = _conflict(terms, facts, told)
    captured = _sum(told, FactKind.CAPTURED, currency)
    held = 0  # what is given up is released, whether or not anybody said so
    if FactKind.CANCELED not in told:
        held = _sum(told, FactKind.AUTHORIZED, currency) - _sum(told, FactKind.RELEASED, currency)
    attempts = _attempts(told)
    refunds = refunds_of(told, currency)
    disputes = disputes_of(told, currency)
    foreign = _foreign(told, currency) if conflict else None
    return PaymentState(
        status=PaymentStatus.CONFLICTED if conflict else _status(terms, told, captured, held, attempts),
        authorized=Money(max(held, captured), currency),
        captured=Money(captured, currency),
        refunded=Money(_refunded(refunds, RefundStatus.SUCCEEDED, currency), currency),
        refund_pending=Money(_refunded(refunds, RefundStatus.PENDING, currency), currency),
        disputed=Money(disputed_minor(told, disputes, refunds, currency), currency),
        attempts=attempts,
        refunds=refunds,
        disputes=disputes,
        last_error=_last_error(attempts),
        late_authorized=_late(told, attempts, in_full=captured >= terms.amount.minor),
        conflict=conflict,
        foreign=foreign,
        foreign_refunded=_refunded(refunds, RefundStatus.SUCCEEDED, foreign.currency) if foreign else 0,
        foreign_refund_pending=_refunded(refunds, RefundStatus.PENDING, foreign.currency) if foreign else 0,
        given_up=FactKind.CANCELED in told or (FactKind.RELEASED in told and held <= 0),
    )


@lru_cache(maxsize=256)
def _untold(currency: str) -> PaymentState:
    """Return what a payment is of which nothing is known: the start of every webhook's work, so kept ready."""
    nothing = Money.zero(currency)
    return PaymentState(
        status=PaymentStatus.REQUIRES_PAYMENT_METHOD,
        authorized=nothing,
        captured=nothing,
        refunded=nothing,
        refund_pending=nothing,
        disputed=nothing,
        attempts=(),
        refunds=(),
        disputes=(),
        last_error=None,
        late_authorized=False,
        conflict=None,
    )


def _by_kind(facts: Iterable[Fact]) -> FactsByKind:
    told: dict[FactKind, list[Fact]] = {}
    for fact in facts:
        told.setdefault(fact.kind, []).append(fact)
    return told


def _conflict(terms: PaymentTerms, facts: Iterable[Fact], told: FactsByKind) -> str | None:
    """Say how the gateway's amount or currency differs from what was asked, or None."""
    asked = terms.amount
    problems = {
        f"{fact.kind} in {fact.amount.currency}, asked in {asked.currency}"
        for fact in facts
        if fact.amount is not None and fact.amount.currency != asked.currency
    }
    for kind in _MONEY_KINDS:
        if any(fact.amount is None or fact.amount.minor == 0 for fact in told.get(kind, ())):
            problems.add(f"{kind} without an amount, asked {asked}")
    for fact in told.get(FactKind.AUTHORIZED, ()):
        if fact.amount is not None and fact.amount.currency == asked.currency and fact.amount != asked:
            problems.add(f"authorized {fact.amount}, asked {asked}")
    captured = _sum(told, FactKind.CAPTURED, asked.currency)
    short = terms.capture_method is CaptureMethod.AUTOMATIC and 0 < captured < asked.minor
    if captured > asked.minor or short:
        problems.add(f"captured {Money(captured, asked.currency)}, asked {asked}")
    return "; ".join(sorted(problems)) or None


def _status(
    terms: PaymentTerms, told: FactsByKind, captured: int, held: int, attempts: tuple[PaymentAttempt, ...]
) -> PaymentStatus:
    if captured >= terms.amount.minor:
        return PaymentStatus.SUCCEEDED
    if captured > 0:
        return PaymentStatus.PARTIALLY_CAPTURED
    if held > 0:
        return PaymentStatus.REQUIRES_CAPTURE
    if FactKind.CANCELED in told or (FactKind.AUTHORIZED in told and FactKind.RELEASED in told):
        return PaymentStatus.CANCELED
    return _status_of_attempts(told, attempts)


def _status_of_attempts(told: FactsByKind, attempts: tuple[PaymentAttempt, ...]) -> PaymentStatus:
    steps = {attempt.status for attempt in attempts if attempt.is_open}
    if PaymentAttemptStatus.PROCESSING in steps:
        return PaymentStatus.PROCESSING  # also past its time: the bank may still say yes
    if FactKind.LAPSED in told:
        return PaymentStatus.EXPIRED
    if attempts and not steps:
        return PaymentStatus.FAILED
    if PaymentAttemptStatus.ACTION_REQUIRED in steps:
        return PaymentStatus.REQUIRES_ACTION
    return PaymentStatus.REQUIRES_PAYMENT_METHOD


def _attempts(told: FactsByKind) -> tuple[PaymentAttempt, ...]:
    tries: dict[str, list[Fact]] = {}
    for kind in _STEP_OF:
        for fact in told.get(kind, ()):
            tries.setdefault(fact.attempt_id or fact.object_id, []).append(fact)
    canceled = FactKind.CANCELED in told
    found = [_attempt(reference, steps, canceled=canceled) for reference, steps in tries.items()]
    return tuple(sorted(found, key=_attempt_order))


def _attempt(reference: str, told: list[Fact], *, canceled: bool) -> PaymentAttempt:
    status = max((_STEP_OF[fact.kind] for fact in told), key=_STEP_RANK.__getitem__)
    failures = [fact.failure for fact in told if fact.failure is not None]
    method = max((fact.method for fact in told if fact.method is not None), default=None)
    ended = canceled and status not in (PaymentAttemptStatus.SUCCEEDED, PaymentAttemptStatus.FAILED)
    return PaymentAttempt(
        reference=reference,
        status=PaymentAttemptStatus.CANCELED if ended else status,
        method=method,
        failure=max(failures, default=None, key=lambda failure: failure.rank),
        created_at=min(fact.happened_at for fact in told),
        failed=any(fact.kind is FactKind.FAILED for fact in told),
    )


def _attempt_order(attempt: PaymentAttempt) -> tuple[datetime, str]:
    return (attempt.created_at, attempt.reference)


def _last_error(attempts: tuple[PaymentAttempt, ...]) -> Failure | None:
    """Return the newest try's failure; a try that went well after all has none to show."""
    failed = [attempt for attempt in attempts if attempt.status is PaymentAttemptStatus.FAILED]
    return failed[-1].failure if failed else None


def _late(told: FactsByKind, attempts: tuple[PaymentAttempt, ...], *, in_full: bool) -> bool:
    """Whether the bank said yes to a try that had failed, or after the payment was given up.

    Giving up what is left of a partial capture is no news; a capture in full leaves nothing to give up.
    """
    revived = any(
        attempt.failed and attempt.status in (PaymentAttemptStatus.AUTHORIZED, PaymentAttemptStatus.SUCCEEDED)
        for attempt in attempts
    )
    outlived = FactKind.LAPSED in told and any(kind in told for kind in _MONEY_KINDS)
    return revived or outlived or (FactKind.CANCELED in told and in_full)


def _sum(told: FactsByKind, kind: FactKind, currency: str) -> int:
    return sum(
        fact.amount.minor
        for fact in told.get(kind, ())
        if fact.amount is not None and fact.amount.currency == currency
    )


def _refunded(refunds: Iterable[Refund], status: RefundStatus, currency: str) -> int:
    return sum(r.amount.minor for r in refunds if r.status is status and r.amount.currency == currency)


def _foreign(told: FactsByKind, currency: str) -> Money | None:
    """Return the money that came in another currency than asked."""
    sums: dict[str, int] = {}
    for fact in told.get(FactKind.CAPTURED, ()):
        if fact.amount is not None and fact.amount.currency != currency and fact.amount.minor > 0:
            sums[fact.amount.currency] = sums.get(fact.amount.currency, 0) + fact.amount.minor
    largest = max(sums, key=lambda code: (sums[code], code), default=None)
    return None if largest is None else Money(sums[largest], largest)
