"""What the merchant may create: orders, QR codes, and UPI intent payments.

Source: razorpay.com/docs/api/orders/create, api/qr-codes/create, payments/payments/capture-settings/api and
payments/payment-gateway/s2s-integration/payment-methods/upi/intent, read in November 2026.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from app.domain.money import Money
from app.simulators.razorpay.account import new_id
from app.simulators.razorpay.book import ORDER_PAID, found
from app.simulators.razorpay.errors import RefusedError
from app.simulators.razorpay.fields import Fields
from app.simulators.razorpay.objects import Order, QrCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.simulators.razorpay.book import Book
    from app.simulators.razorpay.objects import Payment

QR_SECONDS_MAX: Final = 2 * 3600
QR_SECONDS_MIN: Final = 2 * 60
EXPIRY_MINUTES_MIN: Final = 12
EXPIRY_MINUTES_MAX: Final = 7200
_LATEST: Final = 2_147_483_647
_ORDER: Final = "amount currency receipt notes payment partial_payment".split()
_CAPTURE: Final = "automatic_expiry_period manual_expiry_period refund_speed".split()
_CODE: Final = "type name usage fixed_amount payment_amount description customer_id close_by notes".split()
_UPI: Final = (
    "amount currency order_id email contact method ip referer user_agent description notes upi".split()
)


def new_order(body: Mapping[str, Any]) -> Order:
    """Return the order that is asked for. Several may have one receipt: that it is unique is the merchant's part."""
    fields = Fields(body, *_ORDER)
    currency = fields.currency()
    return Order(
        id=new_id("order"),
        amount=fields.amount("amount", currency),
        currency=currency,
        receipt=fields.text("receipt", 40),
        notes=fields.notes(),
        captures=_captures(fields.part("payment", "capture", "capture_options")),
        created_at=int(time.time()),
    )


def new_code(body: Mapping[str, Any]) -> QrCode:
    """Return the code that is asked for; it is closed after two hours at the latest."""
    fields = Fields(body, *_CODE)
    fields.choice("type", "upi_qr")
    fields.choice("usage", "single_use")
    if fields.required("fixed_amount") is not True:
        raise RefusedError("The fixed amount must be true for single use.", field="fixed_amount")
    now = int(time.time())
    close_by = fields.integer("close_by") or now + QR_SECONDS_MAX
    if not now + QR_SECONDS_MIN <= close_by <= _LATEST:
        raise RefusedError("close_by should be at least 2 minutes after current time", field="close_by")
    code_id, amount = new_id("qr"), fields.amount("payment_amount", "INR")
    return QrCode(
        id=code_id,
        amount=amount,
        description=fields.text("description"),
        notes=fields.notes(),
        image_url=f"https://rzp.io/i/{code_id[3:11]}",
        image_content=upi_link(code_id, amount),
        close_by=min(close_by, now + QR_SECONDS_MAX),
        created_at=now,
    )


def new_intent(body: Mapping[str, Any], book: Book) -> Payment:
    """Have a shopper begin to pay an order by a UPI app."""
    fields = Fields(body, *_UPI)
    order = found(book.orders, fields.required_text("order_id"))
    if order.status == "paid":
        raise RefusedError(ORDER_PAID)
    for name in ("email", "contact"):
        fields.required_text(name)
    upi = fields.part("upi", "flow")
    if upi is None:
        raise RefusedError("The upi field is required.", field="upi")
    # Collect requests have been out of use since February 2026 for everybody but a few.
    upi.choice("flow", "intent")
    fields.choice("currency", "INR")
    if fields.amount("amount", "INR") != order.amount:
        raise RefusedError("Your payment amount is different from your order amount.", field="amount")
    return book.start(order, "upi", flow="intent", notes=fields.notes())


def upi_link(name: str, paise: int) -> str:
    """Return what opens a UPI app, or is drawn as a QR code."""
    rupees = Money(paise, "INR").to_decimal()
    reference = name.replace("_", "")
    return f"upi://pay?pa=shop.rzp@icici&pn=Shop&tr={reference}&am={rupees}&cu=INR&mc=5411"


def _captures(settings: Fields | None) -> bool:
    """Return whether an order is captured by itself, as an account does that was not set up otherwise."""
    if settings is None:
        return True
    automatic = settings.choice("capture", "automatic", "manual") == "automatic"
    options = settings.part("capture_options", *_CAPTURE)
    if options is None:
        if automatic:
            raise RefusedError("The automatic expiry period field is required.")
        return automatic
    options.choice("refund_speed", "normal", "optimum")
    latest = options.integer("manual_expiry_period") or EXPIRY_MINUTES_MAX
    until = options.integer("automatic_expiry_period")
    if automatic and (until is None or not EXPIRY_MINUTES_MIN <= until <= latest):
        raise RefusedError("The automatic expiry period is invalid.")
    if latest > EXPIRY_MINUTES_MAX:
        raise RefusedError("The manual expiry period may not be greater than 7200.")
    return automatic
