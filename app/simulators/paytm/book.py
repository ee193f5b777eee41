"""Orders, what shoppers and banks did to them, refunds and disputes: the rules of Paytm's payment gateway."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from app.simulators.paytm.account import new_number, new_token, now
from app.simulators.paytm.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

DECLINED: Final = (
    "227",
    "Your payment has been declined by your bank. Please try again or use a different method.",
)
WAITS: Final = (
    "402",
    "Looks like the payment is not complete. Please wait while we confirm the status with your bank.",
)
PENDS: Final = ("400", "Transaction status not confirmed yet.")
TAKEN: Final = ("01", "Txn Success")


@dataclass(slots=True, kw_only=True)
class Refund:
    """Money on its way back. `ref_id` is the merchant's."""

    ref_id: str
    amount: int
    status: str = "PENDING"
    id: str = field(default_factory=new_number)
    asked_at: datetime = field(default_factory=now)
    credited_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Dispute:
    """What the shopper's bank contests."""

    amount: int
    status: str = "NEW"
    id: str = field(default_factory=new_number)
    created_at: datetime = field(default_factory=now)


@dataclass(slots=True, kw_only=True)
class Order:
    """One order, paid by one try at most. `status` is None until somebody begins to pay."""

    id: str
    amount: int
    """In paise."""
    asked: str
    """The request that opened it, to tell a repeated one from another."""
    method: str | None = None
    token: str = field(default_factory=new_token)
    status: str | None = None
    reason: tuple[str, str] = TAKEN
    taken: int = 0
    mode: str = "CC"
    transaction_id: str = ""
    paid_at: datetime = field(default_factory=now)
    refunds: dict[str, Refund] = field(default_factory=dict)
    disputes: list[Dispute] = field(default_factory=list)

    @property
    def refundable(self) -> int:
        """What was taken and is not on its way back."""
        return self.taken - sum(r.amount for r in self.refunds.values() if r.status != "TXN_FAILURE")


class Book:
    """All orders of the account. `tell` is told of what webhooks tell of."""

    def __init__(self, tell: Callable[[str, Order, Refund | Dispute | None], None]) -> None:
        self.orders: dict[str, Order] = {}
        self._tell = tell

    def open(self, order_id: str, amount: int, asked: str) -> tuple[Order, bool]:
        """Open an order, or return the one that the same request opened before, and whether it did."""
        known = self.orders.get(order_id)
        if known is None:
            self.orders[order_id] = order = Order(id=order_id, amount=amount, asked=asked)
            return order, False
        if known.asked != asked:
            raise RefusedError("F", "2023", "Repeat Request Inconsistent")
        if known.status == "TXN_SUCCESS":
            raise RefusedError("F", "325", "Duplicate order id")
        return known, True

    def found(self, order_id: object) -> Order:
        """Return an order that somebody began to pay."""
        order = self.orders.get(order_id) if isinstance(order_id, str) else None
        if order is None or order.status is None:
            raise RefusedError("NO_RECORD_FOUND", "334", "Invalid Order Id.")
        return order

    def begin(self, order: Order, mode: str, reason: tuple[str, str]) -> None:
        """Have a shopper begin to pay; nobody knows yet."""
        order.status, order.mode, order.reason = "PENDING", mode, reason
        order.transaction_id, order.paid_at = new_number(), now()

    def take(self, order: Order, amount: int) -> None:
        """Have the bank say yes, be it late."""
        order.status, order.reason, order.taken = "TXN_SUCCESS", TAKEN, amount
        self._tell("payment", order, None)

    def decline(self, order: Order) -> None:
        """Have the bank say no."""
        order.status, order.reason = "TXN_FAILURE", DECLINED
        self._tell("payment", order, None)

    def refund(self, order: Order, ref_id: str, amount: int) -> Refund:
        """Begin to give money back."""
        if order.status != "TXN_SUCCESS":
            raise RefusedError(
                "TXN_FAILURE", "607", "Refund can not be initiated for a cancelled transaction"
            )
        if ref_id in order.refunds:
            raise RefusedError("TXN_FAILURE", "617", "Refund Already Raised")
        if amount > order.refundable:
            raise RefusedError("TXN_FAILURE", "619", "Invalid refund amount")
        order.refunds[ref_id] = refund = Refund(ref_id=ref_id, amount=amount)
        self._tell("refund accepted", order, refund)
        return refund

    def credit(self, order: Order, refund: Refund) -> None:
        """Send a refund on its way, unless it failed."""
        if refund.status == "PENDING":
            refund.status, refund.credited_at = "TXN_SUCCESS", now()
            self._tell("refund sent", order, refund)

    def dispute(self, order: Order) -> Dispute:
        """Have the shopper's bank contest what was taken."""
        order.disputes.append(Dispute(amount=order.taken))
        self._tell("dispute", order, order.disputes[-1])
        return order.disputes[-1]

    def close_dispute(self, order: Order, *, won: bool) -> None:
        """Have the newest dispute end."""
        order.disputes[-1].status = "WON" if won else "LOST"
        self._tell("dispute", order, order.disputes[-1])
