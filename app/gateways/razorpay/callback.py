"""What a browser hands back from Razorpay's checkout: believed as far as it is signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from app.gateways.contract import GatewayError, GatewayErrorKind
from app.gateways.razorpay.signature import is_callback_signed

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMES: Final = {
    "order": ("razorpay_order_id", "razorpayOrderId"),
    "payment": ("razorpay_payment_id", "razorpayPaymentId"),
    "signature": ("razorpay_signature", "razorpaySignature"),
}
_CHARS_MAX: Final = 256


def check_callback(data: Mapping[str, Any], reference: str, key_secret: bytes) -> None:
    """Check that what a browser claims is about the payment of that reference and signed; it may claim nothing.

    Raises:
        GatewayError: REJECTED, with `payment_mismatch`, `invalid_callback` or `signature_mismatch`.
    """
    claimed = {what: _named(data, names) for what, names in _NAMES.items()}
    if claimed["order"] not in (None, reference):
        raise _rejected("The browser came back from another payment.", "payment_mismatch")
    paid, signature = claimed["payment"], claimed["signature"]
    if paid is None and signature is None:
        return
    if paid is None or signature is None:
        raise _rejected("Razorpay's callback has both a payment and a signature.", "invalid_callback")
    if not is_callback_signed(reference, paid, signature, key_secret):
        raise _rejected("The signature of Razorpay's callback is not valid.", "signature_mismatch")


def _named(data: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """Return a text under the first of its names that is there."""
    value = next((data[name] for name in names if data.get(name) is not None), None)
    if value is not None and not (isinstance(value, str) and 0 < len(value) <= _CHARS_MAX):
        raise _rejected("Razorpay's callback holds short texts alone.", "invalid_callback")
    return value


def _rejected(message: str, code: str) -> GatewayError:
    return GatewayError(GatewayErrorKind.REJECTED, message, code=code)
