"""All that the simulated account holds, and how it changes: by calls, by shoppers and by banks.

Every change is told to `tell` as an event with the object as it is then.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from app.simulators.stripe.account import new_id
from app.simulators.stripe.cards import UNAUTHENTICATED, card_named
from app.simulators.stripe.errors import RefusedError, missing
from app.simulators.stripe.objects import ACTIVE, Charge, Intent, PaymentMethod

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.simulators.stripe.cards import Card, Decline
    from app.simulators.stripe.objects import Entity

CAPTURES_MAX: Final = 50
"""Source: docs.stripe.com/payments/multicapture, "Availability", read in November 2026."""
CANCELABLE: Final = (*ACTIVE, "requires_capture")


class Book:
    """Intents, charges and payment methods by their ids, oldest first. `url` is where a browser's pages are.

    `contested` is told of a charge whose card is made to be disputed.
    """

    def __init__(
        self, url: str, tell: Callable[[str, Entity], None], contested: Callable[[Charge], None]
    ) -> None:
        self.intents: dict[str, Intent] = {}
        self.charges: dict[str, Charge] = {}
        self.methods: dict[str, PaymentMethod] = {}
        self._captures: dict[str, int] = {}
        self._url = url
        self._tell = tell
        self._contested = contested

    def add_method(self, kind: str, plan: Card, metadata: dict[str, str] | None = None) -> PaymentMethod:
        """Keep what somebody pays with."""
        method = PaymentMethod(
            id=new_id("pm"), kind=kind, plan=plan, created=int(time.time()), metadata=metadata or {}
        )
        self.methods[method.id] = method
        return method

    def method(self, name: str) -> PaymentMethod:
        """Return a payment method; of a test card's id, a new one."""
        if name in self.methods:
            return self.methods[name]
        plan = card_named(name)
        if plan is None:
            raise missing("PaymentMethod", name, param="payment_method", status=400)
        return self.add_method("card", plan)

    def add_intent(self, intent: Intent) -> Intent:
        """Open a payment intent."""
        self.intents[intent.id] = intent
        self._tell("payment_intent.created", intent)
        return intent

    def confirm(self, intent: Intent, *, by_sdk: bool = False) -> None:
        """Try the intent's payment method. `by_sdk`: Stripe.js sees to a step for the shopper, no redirect does."""
        method = self.methods[intent.payment_method or ""]
        intent.last_error = None
        if method.plan.challenged or method.kind == "upi":
            self._ask(intent, method, by_sdk=by_sdk)
        else:
            self._charge(intent, method)

    def authenticate(self, intent: Intent, *, success: bool) -> None:
        """Have the shopper, or the bank, end the step that the intent waits for."""
        intent.next_action = None
        method = self.methods[intent.payment_method or ""]
        if success:
            self._charge(intent, method)
        else:
            self._fail(intent, method, UNAUTHENTICATED)

    def settle(self, charge: Charge, decline: Decline | None) -> None:
        """Have the bank decide on what is pending."""
        intent = self.intents[charge.intent]
        if decline is None:
            self._succeed(intent, charge)
        else:
            self._decline(intent, charge, decline)

    def capture(self, intent: Intent, amount: int | None, *, final: bool) -> None:
        """Take what is held, or a part of it; unless `final`, what is left stays.

        Source: docs.stripe.com/payments/multicapture, a copy, read in November 2026: `captured` becomes true
        with the last capture, also with one of nothing, or when the time is over.
        """
        charge = self.charge_of(intent)
        if intent.status != "requires_capture" or charge is None:
            raise self.unexpected(intent, "captured", "requires_capture")
        amount = intent.amount_capturable if amount is None else amount
        releases = final and amount == 0 and intent.amount_received  # nothing more is taken of what is left
        if not (releases or 0 < amount <= intent.amount_capturable):
            raise RefusedError(
                f"The amount to capture ({amount}) must be between 1 and {intent.amount_capturable}.",
                code="amount_too_large",
                param="amount_to_capture",
                begun=True,
            )
        if not (final or charge.several):
            raise RefusedError(
                "This payment can't be captured several times: its multicapture status is `unavailable`.",
                param="final_capture",
                begun=True,
            )
        taken = self._captures[charge.id] = self._captures.get(charge.id, 0) + 1
        charge.amount_captured += amount
        intent.amount_received += amount
        intent.amount_capturable -= amount
        ends = final or not intent.amount_capturable or taken >= CAPTURES_MAX
        if ends:
            intent.status, intent.amount_capturable = "succeeded", 0
        if charge.several:  # these tell of each capture, the last one included
            self._tell("charge.updated", charge)
            self._tell("payment_intent.amount_capturable_updated", intent)
        if ends:
            self._end_hold(intent, charge)

    def lapse(self, intent: Intent) -> None:
        """Have what is held run out of time: what was captured of it stays."""
        charge = self.charge_of(intent)
        if intent.status != "requires_capture" or charge is None:
            raise self.unexpected(intent, "expired", "requires_capture")
        if charge.amount_captured:
            self._end_hold(intent, charge)
            return
        self._tell("charge.expired", charge)
        self._cancel(intent, "automatic")

    def cancel(self, intent: Intent, reason: str | None) -> None:
        """Give an intent up, and what it holds."""
        if intent.status not in CANCELABLE or intent.amount_received:
            raise self.unexpected(intent, "canceled", ", ".join(CANCELABLE))
        self._cancel(intent, reason)

    def charge_of(self, intent: Intent) -> Charge | None:
        """Return the newest try."""
        return self.charges.get(intent.latest_charge or "")

    def unexpected(self, intent: Intent, verb: str, wanted: str) -> RefusedError:
        """Return the refusal of what the intent's status does not allow."""
        return RefusedError(
            f"This PaymentIntent could not be {verb} because it has a status of {intent.status}."
            f" Only a PaymentIntent with one of the following statuses may be {verb}: {wanted}.",
            code="payment_intent_unexpected_state",
            begun=True,
            payment_intent=intent.shown(),
        )

    def _ask(self, intent: Intent, method: PaymentMethod, *, by_sdk: bool) -> None:
        intent.status = "requires_action"
        page = f"{self._url}/_js/authenticate/{intent.id}?client_secret={intent.client_secret}"
        if method.kind == "upi":
            code = {"expires_at": int(time.time()) + 300, "image_url_png": page, "image_url_svg": page}
            kind = "upi_handle_redirect_or_display_qr_code"
            intent.next_action = {"type": kind, kind: {"hosted_instructions_url": page, "qr_code": code}}
        elif intent.return_url and not by_sdk:
            back = {"url": page, "return_url": intent.return_url}
            intent.next_action = {"type": "redirect_to_url", "redirect_to_url": back}
        else:
            step = {"type": "three_d_secure_redirect", "stripe_js": page}
            intent.next_action = {"type": "use_stripe_sdk", "use_stripe_sdk": step}
        self._tell("payment_intent.requires_action", intent)

    def _charge(self, intent: Intent, method: PaymentMethod) -> None:
        plan = method.plan
        charge = self._add_charge(intent, method)
        if plan.decline is not None:
            self._decline(intent, charge, plan.decline)
        elif plan.pends:
            intent.status = "processing"
            self._tell("charge.pending", charge)
            self._tell("payment_intent.processing", intent)
        else:
            self._succeed(intent, charge)

    def _add_charge(self, intent: Intent, method: PaymentMethod) -> Charge:
        held = intent.capture_method == "manual"
        charge = Charge(
            id=new_id("ch"),
            intent=intent.id,
            amount=intent.amount,
            currency=intent.currency,
            created=int(time.time()),
            payment_method=method.id,
            kind=method.kind,
            plan=method.plan,
            metadata=dict(intent.metadata),
            held=held,
            several=held and intent.several and method.kind == "card" and method.plan.multicapture,
            description=intent.description,
            receipt_email=intent.receipt_email,
        )
        self.charges[charge.id] = charge
        intent.latest_charge = charge.id
        return charge

    def _succeed(self, intent: Intent, charge: Charge) -> None:
        charge.status = "succeeded"
        if charge.held:
            intent.status, intent.amount_capturable = "requires_capture", intent.amount
            self._tell("charge.succeeded", charge)
            self._tell("payment_intent.amount_capturable_updated", intent)
            return
        charge.captured, charge.amount_captured = True, charge.amount
        intent.status, intent.amount_received = "succeeded", intent.amount
        self._tell("charge.succeeded", charge)
        self._tell("payment_intent.succeeded", intent)
        if charge.plan.dispute:
            self._contested(charge)

    def _end_hold(self, intent: Intent, charge: Charge) -> None:
        charge.captured = True
        intent.status, intent.amount_capturable = "succeeded", 0
        self._tell("charge.captured", charge)
        self._tell("payment_intent.succeeded", intent)

    def _decline(self, intent: Intent, charge: Charge, decline: Decline) -> None:
        charge.status, charge.decline = "failed", decline
        self._tell("charge.failed", charge)
        self._fail(intent, self.methods[charge.payment_method], decline, charge)

    def _fail(
        self, intent: Intent, method: PaymentMethod, decline: Decline, charge: Charge | None = None
    ) -> None:
        intent.status, intent.payment_method = "requires_payment_method", None
        intent.last_error = last_error(decline, method, charge)
        self._tell("payment_intent.payment_failed", intent)

    def _cancel(self, intent: Intent, reason: str | None) -> None:
        intent.status, intent.amount_capturable, intent.next_action = "canceled", 0, None
        intent.canceled_at, intent.cancellation_reason = int(time.time()), reason
        self._tell("payment_intent.canceled", intent)


def last_error(decline: Decline, method: PaymentMethod, charge: Charge | None) -> dict[str, Any]:
    """Return a card error, as an intent keeps it and as its call is answered."""
    error: dict[str, Any] = {
        "code": decline.code,
        "doc_url": f"https://stripe.com/docs/error-codes/{decline.code}",
        "message": decline.message,
        "payment_method": method.shown(),
        "type": "card_error" if charge else "invalid_request_error",
    }
    error |= {"decline_code": decline.decline_code} if decline.decline_code else {}
    error |= {"charge": charge.id} if charge else {}
    return error
