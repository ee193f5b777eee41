"""Reading what a payment of ours is at Razorpay: an order that shoppers try to pay, or a QR code for one payment.

Its reference is the one's id or the other's: a payment by QR code belongs to no order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from app.gateways.contract import GatewayError, GatewayErrorKind
from app.gateways.razorpay.facts import is_authorized, is_captured
from app.gateways.razorpay.parameters import receipt_of
from app.gateways.razorpay.wire import (
    WireOrder,
    WireOrders,
    WirePayment,
    WirePayments,
    WireQrCode,
    WireQrCodes,
    WireRefund,
    WireRefunds,
    own_id,
)

if TYPE_CHECKING:
    from uuid import UUID

    from app.gateways.contract import PaymentHandle
    from app.gateways.razorpay.calls import RazorpayClient

ORDERS: Final = "/v1/orders"
QR_CODES: Final = "/v1/payments/qr_codes"
_QR_PREFIX: Final = "qr_"
_PAGE_SIZE: Final = 100
"""The most. Source: razorpay.com/docs/api/orders/fetch-all and razorpay.com/docs/api/qr-codes/fetch-all."""
_PAGES_MAX: Final = 10
_BEFORE_SECONDS: Final = 60
_AFTER_SECONDS: Final = 15 * 60
"""When, from the time in our own id (UUIDv7), a payment's QR code was made if ever one came to be shown."""
_UUID7: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What Razorpay has under a reference."""

    reference: str
    payments: tuple[WirePayment, ...]
    code: WireQrCode | None = None

    @property
    def authorized(self) -> tuple[WirePayment, ...]:
        """The payments whose money is held."""
        return tuple(payment for payment in self.payments if is_authorized(payment))

    @property
    def captured(self) -> tuple[WirePayment, ...]:
        """The payments whose money was taken."""
        return tuple(payment for payment in self.payments if is_captured(payment))

    def with_payment(self, payment: WirePayment) -> Found:
        """Return the same with a newer telling of one payment."""
        others = tuple(known for known in self.payments if known.id != payment.id)
        return replace(self, payments=(*others, payment))


class Reader:
    """Asks Razorpay. Every method raises GatewayError alone."""

    def __init__(self, client: RazorpayClient) -> None:
        self._client = client

    async def read(self, payment: PaymentHandle) -> Found:
        """Return what became of a payment, by its reference, or by our id where its creation was never answered.

        Raises:
            GatewayError: NOT_FOUND when Razorpay has none.
        """
        if payment.reference is not None:
            return await self._by_reference(payment.reference)
        orders = await self.orders_of(payment.payment_id)
        if orders:
            # There is more than one only if an answer was lost before the order could be found.
            found = [await self.read_order(order) for order in orders]
            return replace(found[0], payments=tuple(each for one in found for each in one.payments))
        code = await self.code_of(payment.payment_id)
        if code is None:
            raise GatewayError(GatewayErrorKind.NOT_FOUND, "Razorpay has no such payment.")
        return await self.read_code(code)

    async def read_order(self, order: WireOrder) -> Found:
        """Return an order with the payments that were tried for it."""
        payments = (await self._client.get(f"{ORDERS}/{order.id}/payments", WirePayments)).items
        found = Found(reference=order.id, payments=payments)
        if order.status == "paid" and not found.captured:
            raise GatewayError(
                GatewayErrorKind.UNKNOWN,
                "Razorpay has an order that is paid, and not yet the payment.",
                code="inconsistent_answer",
            )
        return found

    async def read_code(self, code: WireQrCode) -> Found:
        """Return a QR code with the payments that came by it."""
        payments = (await self._client.get(f"{QR_CODES}/{code.id}/payments", WirePayments)).items
        return Found(reference=code.id, payments=payments, code=code)

    async def orders_of(self, payment_id: UUID) -> tuple[WireOrder, ...]:
        """Return the orders that were opened for a payment of ours, oldest first."""
        receipt = receipt_of(payment_id)
        page = await self._client.get(ORDERS, WireOrders, receipt=receipt, count=_PAGE_SIZE)
        ours = [order for order in page.items if order.receipt == receipt]
        return tuple(sorted(ours, key=lambda order: (order.created_at, order.id)))

    async def code_of(self, payment_id: UUID) -> WireQrCode | None:
        """Return the QR code that was made for a payment of ours, the oldest should there be several."""
        window = _window(payment_id)
        ours: list[WireQrCode] = []
        for page_number in range(_PAGES_MAX):
            page = await self._client.get(
                QR_CODES, WireQrCodes, count=_PAGE_SIZE, skip=page_number * _PAGE_SIZE, **window
            )
            ours += [code for code in page.items if own_id(code.notes, "payment_id") == payment_id]
            if len(page.items) < _PAGE_SIZE:
                break
        return min(ours, key=lambda code: (code.created_at, code.id), default=None)

    async def refunds_of(self, payment: WirePayment) -> tuple[WireRefund, ...]:
        """Return the refunds of a captured payment."""
        found: list[WireRefund] = []
        for page_number in range(_PAGES_MAX):
            skip = page_number * _PAGE_SIZE
            path = f"/v1/payments/{payment.id}/refunds"
            page = await self._client.get(path, WireRefunds, count=_PAGE_SIZE, skip=skip)
            found += page.items
            if len(page.items) < _PAGE_SIZE:
                break
        return tuple(found)

    async def _by_reference(self, reference: str) -> Found:
        named = quote(reference, safe="")
        if reference.startswith(_QR_PREFIX):
            return await self.read_code(await self._client.get(f"{QR_CODES}/{named}", WireQrCode))
        return await self.read_order(await self._client.get(f"{ORDERS}/{named}", WireOrder))


def _window(payment_id: UUID) -> dict[str, int]:
    if payment_id.version != _UUID7:
        return {}
    seconds = (payment_id.int >> 80) // 1000
    return {"from": seconds - _BEFORE_SECONDS, "to": seconds + _AFTER_SECONDS}
