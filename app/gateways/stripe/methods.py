"""What the shopper paid with, from Stripe's payment method types."""

from __future__ import annotations

from typing import Final

from app.domain.states import PaymentMethodType
from app.gateways.stripe.fields import Json, part, text

_TYPES: Final = {
    "card": PaymentMethodType.CARD,
    "card_present": PaymentMethodType.CARD,
    "interac_present": PaymentMethodType.CARD,
    "netbanking": PaymentMethodType.NETBANKING,
    "paypal": PaymentMethodType.PAYPAL,
    "upi": PaymentMethodType.UPI_INTENT,
    **dict.fromkeys(
        "alipay amazon_pay cashapp grabpay kakao_pay link mobilepay naver_pay payco paypay revolut_pay"
        " samsung_pay satispay swish twint vipps wechat_pay".split(),
        PaymentMethodType.WALLET,
    ),
}


def method_of(holder: Json) -> PaymentMethodType | None:
    """Return what a payment method, or the details of one, is; None when it does not say."""
    stripe_type = text(holder, "type")
    return None if stripe_type is None else _TYPES.get(stripe_type, PaymentMethodType.OTHER)


def method_of_charge(charge: Json) -> PaymentMethodType | None:
    """Return what a charge was paid with, or None when it does not say."""
    return method_of(part(charge, "payment_method_details"))


def method_of_intent(intent: Json) -> PaymentMethodType | None:
    """Return what an intent is paid with, or None when it leaves the choice."""
    allowed = intent.get("payment_method_types")
    only = allowed[0] if isinstance(allowed, list) and len(allowed) == 1 else None
    return method_of(part(intent, "payment_method")) or method_of({"type": only})
