"""Double entry: what a change of a payment's state moves between the accounts. Every transaction sums to zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain.states import LedgerAccount, PaymentStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.domain.payment import PaymentState


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One entry: `amount_minor` is positive for a debit of the account and negative for a credit."""

    account: LedgerAccount
    amount_minor: int
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Position:
    """What a payment's state means for the accounts, in minor units."""

    sales: int = 0
    suspense: int = 0
    refunds: int = 0
    disputes: int = 0


def postings(before: PaymentState, after: PaymentState) -> tuple[Posting, ...]:
    """Return the entries that lead from one state to the next; none when no money moved."""
    return tuple(_entries(_position(before), _position(after)))


def _position(state: PaymentState) -> _Position:
    captured, refunded, disputed = state.captured.minor, state.refunded.minor, state.disputed.minor
    if state.status is PaymentStatus.CONFLICTED:  # never a sale, so given back from where it is held
        return _Position(suspense=captured - refunded, disputes=disputed)
    return _Position(sales=captured, refunds=refunded, disputes=disputed)


def _entries(before: _Position, after: _Position) -> Iterator[Posting]:
    yield from _move(LedgerAccount.SALES, before.sales - after.sales, "capture")
    yield from _move(LedgerAccount.SUSPENSE, before.suspense - after.suspense, "money held in suspense")
    yield from _move(LedgerAccount.REFUNDS, after.refunds - before.refunds, "refund")
    yield from _move(LedgerAccount.DISPUTES, after.disputes - before.disputes, "dispute")


def _move(account: LedgerAccount, amount_minor: int, description: str) -> Iterator[Posting]:
    """Book an amount on an account against the money at the gateway."""
    if amount_minor:
        yield Posting(account=account, amount_minor=amount_minor, description=description)
        yield Posting(
            account=LedgerAccount.GATEWAY_CLEARING, amount_minor=-amount_minor, description=description
        )
