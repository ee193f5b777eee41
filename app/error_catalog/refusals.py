"""What each of the domain's refusals means: title, what happened, what to do, whether to come again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.domain.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping

NO: Final = "No: the answer stays the same until the request, or what it is about, changes."
WITH_ITS_KEY: Final = "Yes, with the same idempotency key: nothing is done twice."
SOON: Final = "Yes, after a moment."
NEVER: Final = "No."


REFUSALS: Final[Mapping[ErrorCode, tuple[str, str, str, str]]] = {
    ErrorCode.INVALID: (
        "Something in the input can't be",
        "A value has the wrong form, is out of bounds, or does not go with the others. `field` is the path to it.",
        "Read the message, correct that value, and send the request anew.",
        NO,
    ),
    ErrorCode.NOT_FOUND: (
        "There is no such thing, or it is not yours",
        (
            "The id leads nowhere that this caller may look. What belongs to somebody else looks exactly "
            "like what is missing."
        ),
        (
            "Check the id and its prefix (`ord_`, `pay_`, …), and that the credentials are those of the "
            "order's customer, of its access token, or of staff."
        ),
        NO,
    ),
    ErrorCode.FORBIDDEN: (
        "The caller may not do this",
        "The credentials are good, but lack the scope that the message names.",
        "Send a key with that scope: `orderpulse token create NAME --scope SCOPE` makes one. Never give a browser one.",
        NO,
    ),
    ErrorCode.INVALID_STATE: (
        "This can't be done any more, or not yet",
        "The order, payment, refund or delivery is in a state that this step does not lead from.",
        "Read its status again. `stateMachine` and docs/state-machines.md show every step that there is.",
        NO,
    ),
    ErrorCode.AMOUNT_TOO_LARGE: (
        "The amount is too large",
        (
            "It is more than what is left to pay, capture or refund, or than the gateway takes at once. The"
            " message says how much would do."
        ),
        "Leave the amount out to take all that is left, or send one within that bound.",
        NO,
    ),
    ErrorCode.AMOUNT_TOO_SMALL: (
        "The amount is too small",
        "It is not above zero, or below what the gateway takes.",
        "Send a larger amount; the message names the gateway's least.",
        NO,
    ),
    ErrorCode.CURRENCY_MISMATCH: (
        "Two currencies where there can be one",
        "An amount is in another currency than the order or payment that it is for. Nothing is ever converted.",
        "Send the amount in the currency of the order.",
        NO,
    ),
    ErrorCode.CURRENCY_NOT_SUPPORTED: (
        "The gateway does not take this currency",
        "The payment was not opened: this gateway is not set up for the order's currency.",
        "Offer what `paymentGateways(orderId:)` lists: only gateways that can take this order.",
        NO,
    ),
    ErrorCode.ALREADY_PAID: (
        "Nothing is left to pay",
        "The order's balance is zero. No payment was opened, and the shopper was not charged again.",
        "Show the order as paid: read it, or watch it by `orderUpdated`.",
        NO,
    ),
    ErrorCode.PAYMENT_IN_PROGRESS: (
        "A payment is under way already",
        "A shopper's money may be on its way to this order, so a second payment is not opened beside the first.",
        "Wait for its outcome by `orderUpdated`, go on with its `nextAction`, or give it up by `paymentCancel`.",
        "Yes, once `paymentInProgress` is false.",
    ),
    ErrorCode.PAYMENT_DECLINED: (
        "The bank said no",
        (
            "The gateway passed the request on, and it was declined. `lastError` of the payment has the "
            "reasons that may be shown."
        ),
        "Let the shopper try again, or pay in another way.",
        "Yes, as a new try of the shopper's, where `lastError.retryable` says so.",
    ),
    ErrorCode.GATEWAY_UNAVAILABLE: (
        "The gateway gave no answer",
        (
            "It was away, too slow, or answered nonsense. The outcome may be unknown: it is asked after in "
            "the background until it is known, and nothing is lost."
        ),
        "Send the same request again, or wait for the order to change.",
        WITH_ITS_KEY,
    ),
    ErrorCode.GATEWAY_REJECTED: (
        "The gateway refused the request",
        (
            "It understood what was asked and will not do it: an option that the account lacks, an object "
            "that it does not know. The log has its own words."
        ),
        "Check the gateway's settings by `orderpulse doctor`, and its page in docs/gateways.",
        NO,
    ),
    ErrorCode.VERSION_CONFLICT: (
        "The order has moved on",
        (
            "`expectedVersion` is not the order's version any more: somebody or something else changed it "
            "first. Nothing was done."
        ),
        "Read the order again, decide again, and send its new version.",
        NO,
    ),
    ErrorCode.RATE_LIMITED: (
        "Too much was asked in too short a time",
        "The caller, or its address, has used up what it may ask for in this minute. Nothing was done.",
        (
            "Wait for `retryAfterSeconds` (the header Retry-After over HTTP). Ask for less, or watch "
            "instead of polling. docs/limits.md has every bound."
        ),
        "Yes, after `retryAfterSeconds`.",
    ),
    ErrorCode.IDEMPOTENCY_KEY_PARAMETER_MISMATCH: (
        "The key was used for something else",
        "This idempotency key came before with other input. Nothing was done.",
        "Make a fresh key for each thing that is wanted; repeat a key only with the request unchanged.",
        NO,
    ),
    ErrorCode.IDEMPOTENCY_CONCURRENT_REQUEST: (
        "The first request with this key is still at work",
        "The same key came again before the first call's outcome was known.",
        "Send it again in a moment: then it gets the first call's answer.",
        WITH_ITS_KEY,
    ),
}
