"""All that the simulated account holds, and how it changes: by calls, by shoppers and by banks.

Every change is told to `tell` as an event with the objects as they are then.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeVar

from app.simulators.razorpay.account import new_id
from app.simulators.razorpay.errors import RefusedError, not_found
from app.simulators.razorpay.objects import Dispute, Entity, Order, Payment, QrCode, Refund

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.simulators.razorpay.fields import Fields

RESPOND_SECONDS: Final = 7 * 24 * 3600
ORDER_PAID: Final = (
    "Your payment has been declined as the order is already paid."
    " Please initiate the payment with a new order."
)
"""What capturing a second time is refused with. Source: razorpay.com/docs/api/payments/capture, "Errors"."""
_UNSUCCESSFUL: Final = (
    "Payment was unsuccessful due to a temporary issue. If amount got deducted, it will be refunded within 5-7 working"
    " days."
)
DECLINED: Final = ("BAD_REQUEST_ERROR", _UNSUCCESSFUL, "payment_failed")
_VPA: Final = {True: "success@razorpay", False: "failure@razorpay"}

_Object = TypeVar("_Object", bound=Entity)


class Book:
    """Orders, codes, payments, refunds and disputes by their ids, oldest first.

    `captures_at_once` is whether Razorpay gets to capturing by itself; off, an authorisation waits as one does whose
    automatic capture is late. `later` has a refund go on by itself.
    """

    def __init__(
        self, tell: Callable[[str, tuple[Entity, ...]], None], later: Callable[[Callable[[], None]], None]
    ) -> None:
        self.orders: dict[str, Order] = {}
        self.codes: dict[str, QrCode] = {}
        self.payments: dict[str, Payment] = {}
        self.refunds: dict[str, Refund] = {}
        self.disputes: dict[str, Dispute] = {}
        self.captures_at_once = True
        self._tell = tell
        self._later = later

    def add_order(self, order: Order) -> Order:
        """Open an order."""
        self.orders[order.id] = order
        return order

    def add_code(self, code: QrCode) -> QrCode:
        """Make a QR code."""
        self.codes[code.id] = code
        self._tell("qr_code.created", (code,))
        return code

    def payments_of(self, holder: Order | QrCode) -> list[Payment]:
        """Return the tries for an order or a code, oldest first."""
        return [each for each in self.payments.values() if holder.id in (each.order_id, each.code_id)]

    def start(
        self,
        holder: Order | QrCode,
        method: str,
        *,
        flow: str | None = None,
        notes: dict[str, str] | None = None,
    ) -> Payment:
        """Have a shopper begin to pay. Payments of a code carry its notes."""
        payment = Payment(
            id=new_id("pay"),
            order_id=holder.id if isinstance(holder, Order) else None,
            code_id=holder.id if isinstance(holder, QrCode) else None,
            amount=holder.amount,
            currency=holder.currency if isinstance(holder, Order) else "INR",
            method=method,
            flow=flow,
            notes=holder.notes if isinstance(holder, QrCode) else notes or {},
            created_at=int(time.time()),
        )
        self.payments[payment.id] = payment
        if isinstance(holder, Order):
            holder.attempts += 1
            holder.status = "attempted"
        return payment

    def authorize(self, payment: Payment) -> None:
        """Have the bank say yes, be it late; and capture where that is left to Razorpay."""
        payment.status, payment.error = "authorized", None
        self._name_payer(payment, paid=True)
        if payment.code_id is not None:
            self._credit(payment, self.codes[payment.code_id])
            return
        self._tell("payment.authorized", (payment,))
        order = self.orders[payment.order_id or ""]
        if order.captures and self.captures_at_once and order.status != "paid":
            self._captured(payment, order)

    def decline(self, payment: Payment) -> None:
        """Have the bank say no, or say nothing for too long."""
        payment.status, payment.error = "failed", DECLINED
        self._name_payer(payment, paid=False)
        self._tell("payment.failed", (payment,))

    def capture(self, payment: Payment, amount: int, currency: str) -> Payment:
        """Take what is authorised."""
        order = self.orders.get(payment.order_id or "")
        if payment.captured or (order is not None and order.status == "paid"):
            raise RefusedError(ORDER_PAID)
        if payment.status != "authorized" or order is None:
            raise RefusedError(
                "Only payments which have been authorized and not yet captured can be captured"
            )
        if (amount, currency) != (payment.amount, payment.currency):
            raise RefusedError("Capture amount must be equal to the amount authorized.", field="amount")
        self._captured(payment, order)
        return payment

    def give_back(self, payment: Payment) -> None:
        """Return what was never captured, as Razorpay does by itself in the end."""
        payment.status, payment.refunded = "refunded", payment.amount
        refund = self._add_refund(payment, payment.amount, None, {}, counts=False)
        refund.status = "processed"
        self._tell("refund.processed", (refund, payment))

    def refund(self, payment: Payment, fields: Fields) -> Refund:
        """Begin to give money back."""
        if not payment.captured:
            raise RefusedError("The payment status should be captured for action to be taken")
        if payment.refunded == payment.amount:
            raise RefusedError("The payment has been fully refunded already.")
        rest = payment.amount - payment.refunded
        amount = rest if fields.integer("amount") is None else fields.amount("amount", payment.currency)
        if amount > rest:
            raise RefusedError("The refund amount provided is greater than amount captured.", field="amount")
        refund = self._add_refund(payment, amount, fields.text("receipt", 40), fields.notes())
        self._settle(payment, amount)
        self._tell("refund.created", (refund, payment))
        self._later(lambda: self._process(refund, payment))
        return refund

    def fail_refund(self, refund: Refund) -> None:
        """Have a refund come back."""
        payment = self.payments[refund.payment_id]
        refund.status = "failed"
        self._settle(payment, -refund.amount)
        self._tell("refund.failed", (refund, payment))

    def close(self, code: QrCode, reason: str) -> QrCode:
        """Close a code. Only what the merchant closes is told of."""
        if code.status == "closed":
            raise RefusedError("QR Code is already closed.")
        code.status, code.close_reason, code.closed_at = "closed", reason, int(time.time())
        if reason == "on_demand":
            self._tell("qr_code.closed", (code,))
        return code

    def open_dispute(self, payment: Payment) -> Dispute:
        """Have the shopper contest a payment."""
        now = int(time.time())
        dispute = Dispute(
            id=new_id("disp"),
            payment_id=payment.id,
            amount=payment.amount - payment.refunded,
            currency=payment.currency,
            respond_by=now + RESPOND_SECONDS,
            created_at=now,
        )
        self.disputes[dispute.id] = dispute
        self._tell("payment.dispute.created", (payment, dispute))
        return dispute

    def close_dispute(self, dispute: Dispute, *, won: bool) -> None:
        """Have the bank decide."""
        dispute.status = "won" if won else "lost"
        self._tell(f"payment.dispute.{dispute.status}", (self.payments[dispute.payment_id], dispute))

    def _captured(self, payment: Payment, order: Order) -> None:
        payment.status, payment.captured = "captured", True
        order.status, order.amount_paid = "paid", order.amount
        self._tell("payment.captured", (payment,))
        self._tell("order.paid", (payment, order))

    def _credit(self, payment: Payment, code: QrCode) -> None:
        payment.status, payment.captured = "captured", True
        code.received += 1
        self._tell("payment.captured", (payment,))
        self._tell("qr_code.credited", (payment, code))
        if code.status == "active":
            self.close(code, "paid")

    def _add_refund(
        self,
        payment: Payment,
        amount: int,
        receipt: str | None,
        notes: dict[str, str],
        *,
        counts: bool = True,
    ) -> Refund:
        refund = Refund(
            id=new_id("rfnd"),
            payment_id=payment.id,
            amount=amount,
            currency=payment.currency,
            receipt=receipt,
            notes=notes,
            created_at=int(time.time()),
            counts=counts,
        )
        self.refunds[refund.id] = refund
        return refund

    def _process(self, refund: Refund, payment: Payment) -> None:
        if refund.status == "pending":
            refund.status = "processed"
            self._tell("refund.processed", (refund, payment))

    def _settle(self, payment: Payment, amount: int) -> None:
        """Count what goes back, or comes again."""
        payment.refunded += amount
        payment.status = "refunded" if payment.refunded == payment.amount else "captured"

    def _name_payer(self, payment: Payment, *, paid: bool) -> None:
        payment.email, payment.contact = "shopper@example.com", "+919000090000"
        if payment.method == "upi":
            payment.vpa = _VPA[paid]


def found(objects: dict[str, _Object], object_id: str) -> _Object:
    """Return the object of that id.

    Raises:
        RefusedError: there is none.
    """
    if object_id not in objects:
        raise not_found()
    return objects[object_id]
