"""What is sent with each write. The minimal set leaves out what simulators of old API versions refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.domain.states import CaptureMethod, PaymentMethodType
from app.gateways.contract import GatewayError, GatewayErrorKind
from app.gateways.offers import RUPEES
from app.gateways.polling import UPI_METHODS
from app.gateways.stripe.amounts import to_stripe

if TYPE_CHECKING:
    from stripe.params import (
        PaymentIntentCancelParams,
        PaymentIntentCaptureParams,
        PaymentIntentConfirmParams,
        PaymentIntentCreateParams,
        RefundCreateParams,
    )

    from app.gateways.contract import CaptureRequest, CreateRequest, RefundRequest
    from app.gateways.stripe.options import StripeSettings

_CANCELLATION_REASONS: Final = frozenset({"abandoned", "duplicate", "fraudulent", "requested_by_customer"})
_REFUND_REASONS: Final = frozenset({"duplicate", "fraudulent", "requested_by_customer"})
_METADATA_CHARS_MAX: Final = 500
"""Source: docs.stripe.com/api/metadata, read in November 2026."""


def create_parameters(request: CreateRequest, settings: StripeSettings) -> PaymentIntentCreateParams:
    """Return what opens a payment intent. Its metadata comes back in every event of the intent and its charges.

    Raises:
        GatewayError: REJECTED when Stripe can't express the amount, or takes no UPI for it.
    """
    parameters: PaymentIntentCreateParams = {
        "amount": to_stripe(request.amount),
        "currency": request.amount.currency.lower(),
        "capture_method": "manual" if request.capture_method is CaptureMethod.MANUAL else "automatic",
        "metadata": {
            "order_id": str(request.order_id),
            "payment_id": str(request.payment_id),
            "order_number": request.order_number,
        },
        "expand": ["latest_charge"],
    }
    if settings.minimal_parameters:
        return parameters
    # `payment_method_types` is refused since 2026-09-30.endive; see that version's changelog.
    if request.method in UPI_METHODS:
        _check_upi(request, settings)
        parameters["allowed_payment_method_types"] = ["upi"]
    elif request.method is PaymentMethodType.CARD or not settings.automatic_payment_methods:
        parameters["allowed_payment_method_types"] = ["card"]
    else:
        parameters["automatic_payment_methods"] = {"enabled": True}
    if request.capture_method is CaptureMethod.MANUAL:
        # Must be asked for at creation. Where a card's network can't, Stripe refuses what is not a final capture.
        # Source: docs.stripe.com/payments/multicapture, read in November 2026.
        parameters["payment_method_options"] = {"card": {"request_multicapture": "if_available"}}
    parameters["description"] = f"Order {request.order_number}"
    if settings.statement_descriptor_suffix:
        parameters["statement_descriptor_suffix"] = settings.statement_descriptor_suffix
    if settings.email_receipts and request.customer_email:
        parameters["receipt_email"] = request.customer_email
    return parameters


def _check_upi(request: CreateRequest, settings: StripeSettings) -> None:
    """Refuse UPI for anything but rupees, and for a hold: an app debits at once.

    Source: docs.stripe.com/payments/upi/accept-a-payment, of which the beginning was read in November 2026.
    """
    takes_it = settings.upi and request.amount.currency == RUPEES
    if not takes_it or request.capture_method is CaptureMethod.MANUAL:
        raise GatewayError(
            GatewayErrorKind.REJECTED,
            "Stripe takes UPI for rupees that are captured at once, where `upi` is set.",
            code="upi_not_available",
        )


def capture_parameters(request: CaptureRequest) -> PaymentIntentCaptureParams:
    """Return what is captured. What is not final Stripe refuses where the card's network can't keep the rest.

    Raises:
        GatewayError: REJECTED when Stripe can't express the amount.
    """
    parameters: PaymentIntentCaptureParams = {
        "amount_to_capture": to_stripe(request.amount),
        "expand": ["latest_charge"],
    }
    if not request.final:
        parameters["final_capture"] = False
    return parameters


def release_parameters() -> PaymentIntentCaptureParams:
    """Return what captures nothing more and gives up the rest of a hold that was captured in part.

    Source: docs.stripe.com/payments/multicapture, "Release uncaptured funds", a copy, read in November 2026.
    """
    return {"amount_to_capture": 0, "final_capture": True, "expand": ["latest_charge"]}


def confirm_parameters(
    method: str, return_url: object, settings: StripeSettings
) -> PaymentIntentConfirmParams:
    """Return what confirms with a payment method; a redirect comes back to `return_url`, else to the settings'."""
    parameters: PaymentIntentConfirmParams = {"expand": ["latest_charge"]}
    if settings.minimal_parameters:
        return parameters
    parameters["payment_method"] = method
    back = return_url if isinstance(return_url, str) and return_url else settings.return_url
    if back:
        parameters["return_url"] = back
    return parameters


def cancel_parameters(reason: str | None, settings: StripeSettings) -> PaymentIntentCancelParams:
    """Return what cancels; a reason that Stripe has no word for is left out."""
    parameters: PaymentIntentCancelParams = {"expand": ["latest_charge"]}
    if reason in _CANCELLATION_REASONS and not settings.minimal_parameters:
        parameters["cancellation_reason"] = reason
    return parameters


def refund_parameters(request: RefundRequest, reference: str, settings: StripeSettings) -> RefundCreateParams:
    """Return what refunds; a reason that Stripe has no word for travels in the metadata.

    Raises:
        GatewayError: REJECTED when Stripe can't express the amount.
    """
    metadata = {"refund_id": str(request.refund_id), "payment_id": str(request.payment.payment_id)}
    parameters: RefundCreateParams = {
        "payment_intent": reference,
        "amount": to_stripe(request.amount),
        "metadata": metadata,
    }
    if request.reason in _REFUND_REASONS and not settings.minimal_parameters:
        parameters["reason"] = request.reason
    elif request.reason:
        metadata["reason"] = request.reason[:_METADATA_CHARS_MAX]
    return parameters
