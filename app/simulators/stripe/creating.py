"""What a merchant or a browser may create: payment methods and payment intents, and what may be changed of one.

Source: the parameters of Stripe's library 16.1, and the changelog of 2026-07-29.dahlia and 2026-09-30.endive on payment
method types; read in November 2026.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from app.simulators.stripe.account import new_id, new_word
from app.simulators.stripe.amounts import amount_of, currency_of
from app.simulators.stripe.cards import SUCCEEDS, card_named, card_numbered
from app.simulators.stripe.errors import RefusedError, missing
from app.simulators.stripe.objects import ACTIVE, Intent
from app.simulators.stripe.parameters import Parameters

if TYPE_CHECKING:
    from app.simulators.stripe.book import Book
    from app.simulators.stripe.cards import Card
    from app.simulators.stripe.forms import Form
    from app.simulators.stripe.objects import PaymentMethod

ALLOWED_SINCE: Final = "2026-07-29"
TYPES_UNTIL: Final = "2026-09-30"
CAPTURE_METHODS: Final = ("automatic", "automatic_async", "manual")
_SUFFIX_CHARS_MAX: Final = 22
_CREATE: Final = (
    "allowed_payment_method_types amount automatic_payment_methods capture_method confirm confirmation_method currency"
    " description expand metadata off_session payment_method payment_method_data payment_method_options"
    " payment_method_types receipt_email return_url setup_future_usage shipping statement_descriptor_suffix"
    " use_stripe_sdk"
)
_UNPLAYED: Final = (
    "amount_details application_fee_amount confirmation_token customer customer_account error_on_requires_action"
    " excluded_payment_method_types hooks mandate mandate_data on_behalf_of payment_details"
    " payment_method_configuration radar_options statement_descriptor transfer_data transfer_group"
)
_UPDATE: Final = (
    "amount currency description expand metadata payment_method payment_method_data receipt_email shipping"
)
_CARD_OPTIONS_UNPLAYED: Final = (
    "capture_method cvc_token installments mandate_options moto network request_extended_authorization"
    " request_incremental_authorization request_overcapture require_cvc_recollection setup_future_usage three_d_secure"
)
_METHOD: Final = "type card upi link billing_details metadata allow_redisplay"
_YEARS: Final = range(2000, 2100)
_MONTHS: Final = range(1, 13)
_CVC_CHARS: Final = (3, 4)


def creation(form: Form) -> Parameters:
    """Return the parameters of a new payment intent."""
    return Parameters(form, _CREATE, _UNPLAYED)


def new_intent(parameters: Parameters, version: str, book: Book) -> Intent:
    """Return the payment intent that is asked for, not yet kept."""
    currency = currency_of(parameters)
    capture_method = parameters.choice("capture_method", *CAPTURE_METHODS) or "automatic_async"
    methods, automatic = _methods(parameters, version, currency, capture_method)
    intent_id = new_id("pi")
    method = method_given(parameters, book)
    intent = Intent(
        id=intent_id,
        amount=amount_of(parameters, currency),
        currency=currency,
        created=int(time.time()),
        client_secret=f"{intent_id}_secret_{new_word()}",
        capture_method=capture_method,
        confirmation_method=parameters.choice("confirmation_method", "automatic", "manual") or "automatic",
        methods=methods,
        automatic=automatic,
        several=_wants_several(parameters),
        metadata=parameters.metadata(),
        description=parameters.text("description", 1000),
        receipt_email=_email(parameters),
        statement_descriptor_suffix=parameters.text("statement_descriptor_suffix", _SUFFIX_CHARS_MAX),
        shipping=_shipping(parameters),
    )
    if method is not None:
        take_method(intent, method)
    return intent


def change(form: Form) -> Parameters:
    """Return the parameters of a change."""
    return Parameters(form, _UPDATE, f"{_UNPLAYED} capture_method payment_method_options")


def change_intent(intent: Intent, parameters: Parameters, book: Book) -> None:
    """Change what is given, all of it or nothing. What is to be paid changes only while nothing was."""
    metadata = parameters.metadata(intent.metadata)
    texts = {name: parameters.text(name) for name in ("description", "receipt_email") if name in parameters}
    shipping = _shipping(parameters) if "shipping" in parameters else intent.shipping
    if any(name in parameters for name in ("amount", "currency", "payment_method", "payment_method_data")):
        if intent.status not in ACTIVE:
            raise book.unexpected(intent, "updated", ", ".join(ACTIVE))
        currency = currency_of(parameters) if "currency" in parameters else intent.currency
        amount = amount_of(parameters, currency) if "amount" in parameters else intent.amount
        method = method_given(parameters, book)
        intent.currency, intent.amount = currency, amount
        if method is not None:
            take_method(intent, method)
    intent.metadata, intent.shipping = metadata, shipping
    for name, text in texts.items():
        setattr(intent, name, text)


def take_method(intent: Intent, method: PaymentMethod) -> None:
    """Have an intent be paid with this."""
    if method.kind not in intent.methods:
        raise RefusedError(
            f"The payment method type {method.kind} is not allowed for this PaymentIntent, only"
            f" {', '.join(intent.methods)}.",
            code="payment_intent_incompatible_payment_method",
            param="payment_method",
        )
    intent.payment_method, intent.status, intent.next_action = method.id, "requires_confirmation", None


def method_given(parameters: Parameters, book: Book) -> PaymentMethod | None:
    """Return the payment method that a call names or describes, or None."""
    named = parameters.text("payment_method")
    described = parameters.part("payment_method_data", _METHOD)
    if named is not None:
        return book.method(named)
    return None if described is None else described_method(described, book)


def described_method(parameters: Parameters, book: Book) -> PaymentMethod:
    """Keep what somebody describes as what they pay with."""
    parameters.required("type")
    kind = parameters.choice("type", "card", "upi", "link") or ""
    plan = _card(parameters) if kind == "card" else SUCCEEDS
    return book.add_method(kind, plan, parameters.metadata())


def method_parameters(form: Form) -> Parameters:
    """Return the parameters of a new payment method."""
    return Parameters(form, f"{_METHOD} expand", "customer payment_method radar_options")


def _methods(
    parameters: Parameters, version: str, currency: str, capture_method: str
) -> tuple[list[str], dict[str, Any] | None]:
    """Return what the intent can be paid with, and whether the dashboard chose."""
    allowed = parameters.texts("allowed_payment_method_types")
    named = parameters.texts("payment_method_types")
    automatic = parameters.part("automatic_payment_methods", "enabled allow_redirects")
    if named and version >= TYPES_UNTIL:
        raise RefusedError(
            "The payment_method_types parameter is no longer supported. Use dynamic payment methods, or"
            " allowed_payment_method_types.",
            code="payment_method_types_no_longer_supported",
            param="payment_method_types",
        )
    if allowed and version < ALLOWED_SINCE:
        raise RefusedError(
            "Received unknown parameter: allowed_payment_method_types",
            code="parameter_unknown",
            param="allowed_payment_method_types",
        )
    if (bool(allowed) + bool(named) + bool(automatic)) > 1:
        raise RefusedError("You may only provide one way of choosing payment method types.")
    available = ["card", "link", *(["upi"] if currency == "inr" and capture_method != "manual" else [])]
    if allowed or named:
        methods = [each for each in allowed or named if each in available]
        if not methods or (named and len(methods) < len(named)):
            raise RefusedError(
                "No valid payment method types for this Payment Intent.",
                code="payment_method_unactivated" if named else None,
                param="payment_method_types" if named else "allowed_payment_method_types",
            )
        return methods, None
    redirects = "always"
    if automatic is not None:
        if not automatic.boolean("enabled"):
            return ["card"], {"enabled": False}
        redirects = automatic.choice("allow_redirects", "always", "never") or "always"
    return available, {"allow_redirects": redirects, "enabled": True}


def _wants_several(parameters: Parameters) -> bool:
    options = parameters.part("payment_method_options", "card upi link")
    card = options and options.part(
        "card", "request_multicapture request_three_d_secure", _CARD_OPTIONS_UNPLAYED
    )
    if not card:
        return False
    card.choice("request_three_d_secure", "any", "automatic", "challenge")
    return card.choice("request_multicapture", "if_available", "never") == "if_available"


def _email(parameters: Parameters) -> str | None:
    email = parameters.text("receipt_email", 800)
    if email is not None and "@" not in email[1:-1]:
        raise RefusedError(
            f"Invalid email address: {email[:64]}", code="email_invalid", param="receipt_email"
        )
    return email


def _shipping(parameters: Parameters) -> dict[str, Any] | None:
    shipping = parameters.part("shipping", "address carrier name phone tracking_number")
    if shipping is None:
        return None
    shipping.required("name")
    return {
        "address": dict(shipping.tree("address")),
        **{name: shipping.text(name) for name in ("carrier", "name", "phone", "tracking_number")},
    }


def _card(parameters: Parameters) -> Card:
    card = parameters.part("card", "number exp_month exp_year cvc token", "networks")
    if card is None:
        raise RefusedError("Missing required param: card.", code="parameter_missing", param="card")
    token = card.text("token")
    if token is not None:
        known = card_named(f"pm_card_{token.removeprefix('tok_')}")
        if known is None:
            raise missing("token", token, param="card[token]", status=400)
        return known
    plan = card_numbered(card.required("number"))
    month, year = card.integer("exp_month"), card.integer("exp_year")
    if month not in _MONTHS:
        raise _wrong("exp_month", "Your card's expiration month is invalid.", "invalid_expiry_month")
    if year not in _YEARS or (year, month) < time.gmtime()[:2]:
        raise _wrong("exp_year", "Your card's expiration year is invalid.", "invalid_expiry_year")
    cvc = card.text("cvc")
    if cvc is not None and not (cvc.isascii() and cvc.isdigit() and len(cvc) in _CVC_CHARS):
        raise _wrong("cvc", "Your card's security code is invalid.", "invalid_cvc")
    return plan


def _wrong(name: str, message: str, code: str) -> RefusedError:
    return RefusedError(message, status=402, kind="card_error", code=code, param=f"card[{name}]")
