"""Whether money that a shopper agreed to may be taken, where the gateway leaves the taking to the merchant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.domain.order import order_money
from app.domain.states import PaymentStatus

if TYPE_CHECKING:
    from uuid import UUID

    from app.domain.changes import OrderRecord

_OVER: Final = frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.CANCELED, PaymentStatus.CONFLICTED})


def wants(record: OrderRecord, payment_id: UUID) -> bool:
    """Whether an order that is still open needs this payment: its other payments don't cover the total by themselves.

    What isn't taken needs no way back. What was taken against this rule, since the gateway was faster, is late or
    surplus money and finds its place as such.
    """
    payment = record.payments[payment_id].payment
    if not record.order.is_open or payment.status in _OVER:
        return False
    others = [other.state for other_id, other in record.payments.items() if other_id != payment_id]
    return order_money(others).cover < record.order.total_minor
