"""A new payment: what may be asked for, and the intent that is written before the gateway is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from app.checkout.catalog import check_text
from app.domain.errors import DomainError, ErrorCode
from app.domain.money import Money
from app.domain.order import Payment
from app.domain.states import CaptureMethod, PaymentStatus
from app.gateways.offers import NO_LIMITS, methods_in

if TYPE_CHECKING:
    from uuid import UUID

    from app.domain.order import Order
    from app.domain.states import GatewayName, PaymentMethodType
    from app.gateways import Gateway

RETURN_URL_LENGTH_MAX: Final = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPaymentInput:
    """A payment as it is asked for. Without an amount, whatever is left to pay."""

    gateway: GatewayName
    method: PaymentMethodType | None = None
    amount: Money | None = None
    capture_method: CaptureMethod = CaptureMethod.AUTOMATIC
    return_url: str | None = None


def check_payment(
    given: NewPaymentInput, gateway: Gateway, order: Order, return_origins: frozenset[str]
) -> None:
    """Refuse what the gateway doesn't take, and addresses that aren't the shop's own.

    Raises:
        DomainError: INVALID or CURRENCY_NOT_SUPPORTED.
    """
    if given.return_url is not None:
        _check_return_url(given.return_url, return_origins)
    if gateway.currencies and order.currency not in gateway.currencies:
        raise DomainError(
            ErrorCode.CURRENCY_NOT_SUPPORTED, f"{gateway.name} does not take {order.currency}.", ("gateway",)
        )
    if given.method is not None and given.method not in methods_in(gateway, order.currency):
        raise DomainError(
            ErrorCode.INVALID,
            f"{gateway.name} takes {', '.join(methods_in(gateway, order.currency))}, not {given.method}.",
            ("method",),
        )


def check_limits(amount: Money, gateway: Gateway) -> None:
    """Refuse an amount that the gateway doesn't take at once.

    Raises:
        DomainError: AMOUNT_TOO_SMALL or AMOUNT_TOO_LARGE.
    """
    limits = gateway.limits.get(amount.currency, NO_LIMITS)
    # What is no amount at all, or nothing is left to pay, is refused under the order's lock.
    if amount.minor <= 0 or limits.allow(amount.minor):
        return
    smallest = Money(limits.smallest_minor, amount.currency)
    if amount < smallest:
        raise DomainError(
            ErrorCode.AMOUNT_TOO_SMALL, f"{gateway.name} takes {smallest} at least.", ("amount",)
        )
    raise DomainError(
        ErrorCode.AMOUNT_TOO_LARGE, f"{gateway.name} does not take {amount} at once.", ("amount",)
    )


def _check_return_url(url: str, return_origins: frozenset[str]) -> None:
    check_text(url, RETURN_URL_LENGTH_MAX, "returnUrl")
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    allowed = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
    if not allowed or (return_origins and origin not in return_origins):
        raise DomainError(
            ErrorCode.INVALID, "returnUrl is not one of this shop's own addresses.", ("returnUrl",)
        )


def new_payment(order: Order, given: NewPaymentInput, payment_id: UUID) -> Payment:
    """Return the payment to open; its amount and times are set under the order's lock."""
    return Payment(
        id=payment_id,
        order_id=order.id,
        gateway=given.gateway,
        method=given.method,
        status=PaymentStatus.REQUIRES_PAYMENT_METHOD,
        capture_method=given.capture_method,
        currency=order.currency,
        amount_minor=0,
        authorized_minor=0,
        captured_minor=0,
        refunded_minor=0,
        reference=None,
        next_action=None,
        last_error=None,
        late_authorized=False,
        created_at=order.created_at,
        updated_at=order.updated_at,
    )
