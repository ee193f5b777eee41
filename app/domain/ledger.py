"""Double entry: what a change of a payment moves between the accounts. Every transaction sums to zero per currency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.domain.states import LedgerAccount

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.domain.money import Money
    from app.domain.payment import PaymentState


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One entry: `amount_minor` is positive for a debit of the account and negative for a credit."""

    account: LedgerAccount
    amount_minor: int
    currency: str
    description: str


@dataclass(frozen=True, slots=True)
class Position:
    """Where one payment's money is, in minor units of one currency."""

    sales: int = 0
    suspense: int = 0
    refunds: int = 0
    disputes: int = 0


Positions = dict[str, Position]
_NOTHING: Final = Position()


def positions(state: PaymentState, suspended: dict[str, int]) -> Positions:
    """Return where a payment's money is, by currency; `suspended` is what of it is in suspense."""
    if not suspended and state.foreign is None:
        own = Position(
            sales=state.captured.minor, refunds=state.refunded.minor, disputes=state.disputed.minor
        )
        return {state.captured.currency: own}
    found = {}
    for money, refunded, disputed in _by_currency(state):
        held = suspended.get(money.currency, 0)
        found[money.currency] = Position(money.minor - held, held, refunded, disputed)
    return found


def _by_currency(state: PaymentState) -> Iterator[tuple[Money, int, int]]:
    yield state.captured, state.refunded.minor, state.disputed.minor
    if state.foreign is not None:
        yield state.foreign, state.foreign_refunded, 0


def postings(before: Positions, after: Positions) -> tuple[Posting, ...]:
    """Return the entries that lead from one position to the next; none when no money moved."""
    if before == after:
        return ()
    return tuple(
        posting
        for currency in sorted(before.keys() | after.keys())
        for posting in _entries(currency, before.get(currency, _NOTHING), after.get(currency, _NOTHING))
    )


def _entries(currency: str, before: Position, after: Position) -> Iterator[Posting]:
    """Book each account against the money at the gateway."""
    moves = (
        (LedgerAccount.SALES, before.sales - after.sales, "capture"),
        (LedgerAccount.SUSPENSE, before.suspense - after.suspense, "money held in suspense"),
        (LedgerAccount.REFUNDS, after.refunds - before.refunds, "refund"),
        (LedgerAccount.DISPUTES, after.disputes - before.disputes, "dispute"),
    )
    for account, minor, description in moves:
        if minor:
            yield Posting(account=account, amount_minor=minor, currency=currency, description=description)
    cleared = -sum(minor for _, minor, _ in moves)
    if cleared:
        yield Posting(
            account=LedgerAccount.GATEWAY_CLEARING,
            amount_minor=cleared,
            currency=currency,
            description="money at the gateway",
        )
