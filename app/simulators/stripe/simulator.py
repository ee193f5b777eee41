"""The simulator: one account, what shoppers and banks do to it, and the truth about it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, ClassVar, Final

from app.simulators.kit import (
    Control,
    ControlError,
    MishapError,
    PaymentTruth,
    RefundTruth,
    Simulator,
    SimulatorConfig,
)
from app.simulators.stripe.account import account_of, new_id
from app.simulators.stripe.amounts import from_minor, minor_of
from app.simulators.stripe.book import Book
from app.simulators.stripe.browser import Browser
from app.simulators.stripe.calls import Caller
from app.simulators.stripe.cards import ASKS, DECLINES, GENERIC, PENDS, SUCCEEDS
from app.simulators.stripe.errors import trouble_response
from app.simulators.stripe.events import Journal, signature
from app.simulators.stripe.objects import ACTIVE
from app.simulators.stripe.once import Keys, Rate
from app.simulators.stripe.rest import RestApi
from app.simulators.stripe.reversals import Reversals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.responses import Response
    from starlette.routing import Route

    from app.simulators.kit import Event
    from app.simulators.stripe.objects import Charge, Dispute, Intent

METHODS: Final = ("card", "link", "upi")
_PLANS: Final = {
    Control.SUCCEEDS: SUCCEEDS,
    Control.DECLINED: DECLINES,
    Control.ASKS: ASKS,
    Control.PENDS: PENDS,
}
_REFUNDS: Final = {
    "pending": "PENDING",
    "succeeded": "SUCCEEDED",
    "failed": "FAILED",
    "canceled": "CANCELED",
}
_DISPUTES: Final = {"won": "WON", "warning_closed": "WON", "lost": "LOST"}


class StripeSimulator(Simulator):
    """Stripe, for one account. A payment's reference is its payment intent's id.

    What goes on by itself, such as a refund that fails, does so after `later_seconds`; never when None. `resolve` with
    DECLINED on what is held has its time run out.
    """

    name: ClassVar[str] = "stripe"
    operations: ClassVar[frozenset[str]] = frozenset(
        {"create", "fetch", "list", "update", "confirm", "capture", "cancel", "refund", "events", "method"}
    )

    def __init__(self, config: SimulatorConfig, url: str) -> None:
        super().__init__(config, url)
        self.account = account_of(config.secrets)
        self.later_seconds: float | None = 0.3
        self.rate = Rate()
        self.keys = Keys()
        self.journal = Journal(self.emit)
        self.reversals = Reversals(self.journal.tell, self._do_later)
        self.book = Book(url, self.journal.tell, self._contest)

    def merchant_settings(self) -> Mapping[str, str]:
        """Return what a merchant is told to enter. Faults that are ordered here are to show, not to be tried away."""
        return {
            "secret_key": self.account.secret_key,
            "publishable_key": self.account.publishable_key,
            "webhook_secrets": self.account.webhook_secret,
            "api_base": self.url,
            "max_network_retries": "0",
        }

    def routes(self) -> Sequence[Route]:
        """Return the REST API and the pages of the browser."""
        caller = Caller(self.account, self.journal, self.keys, self.rate, self.operate)
        rest = RestApi(self.book, self.reversals, self.journal)
        return [*Browser(self.account, self.book).routes(), *rest.routes(caller)]

    def sign(self, event: Event) -> Mapping[str, str]:
        """Return the signature over time and body."""
        return {"Stripe-Signature": signature(event.body, self.account.webhook_secret, int(time.time()))}

    def rotate(self) -> Mapping[str, str]:
        """Sign webhooks with a new secret from now on."""
        self.account.webhook_secret = new_id("whsec")
        return {"webhook_secrets": self.account.webhook_secret}

    def refusal(self, error: MishapError) -> Response:
        """Return Stripe's words for a call that chaos made fail."""
        return trouble_response(error.status)

    def pay(self, reference: str, outcome: Control, method: str | None) -> None:
        """Have a shopper pay with Stripe.js."""
        intent = self._payable(reference)
        kind = method or intent.methods[0]
        if kind not in METHODS or kind not in intent.methods:
            raise ControlError(f"method is one of {', '.join(intent.methods)}.", 400)
        paid_with = self.book.add_method(kind, _PLANS[outcome])
        intent.payment_method = paid_with.id
        self.book.confirm(intent, by_sdk=True)
        if kind == "upi" and outcome is not Control.ASKS:  # an app always asks; here the shopper has answered
            self.book.authenticate(intent, success=True)

    def mischarge(self, reference: str, amount_minor: int) -> None:
        """Have a shopper pay another amount with a card."""
        intent = self._payable(reference)
        asked, intent.amount = intent.amount, from_minor(amount_minor, intent.currency)
        intent.payment_method = self.book.add_method("card", SUCCEEDS).id
        self.book.confirm(intent, by_sdk=True)
        intent.amount = asked

    def resolve(self, reference: str, outcome: Control) -> None:
        """End a step for the shopper, or what is pending; or let what is held run out of time."""
        intent = self._intent(reference)
        says_yes = outcome is Control.SUCCEEDS
        charge = self.book.charge_of(intent)
        if intent.status == "requires_action":
            self.book.authenticate(intent, success=says_yes)
        elif intent.status == "processing" and charge is not None:
            self.book.settle(charge, None if says_yes else GENERIC)
        elif intent.status == "requires_capture" and not says_yes:
            self.book.lapse(intent)
        else:
            raise ControlError("There is nothing that the bank could decide.")

    def dispute(self, reference: str) -> str:
        """Have the shopper contest what was captured."""
        charge = self.book.charge_of(self._intent(reference))
        if charge is None or not charge.amount_captured:
            raise ControlError("Nothing was captured.")
        return self.reversals.open_dispute(charge).id

    def close_dispute(self, reference: str, outcome: Control) -> None:
        """Have the bank decide on the newest dispute."""
        disputes = self._disputes(self._intent(reference))
        if not disputes or not disputes[-1].is_open:
            raise ControlError("There is no open dispute.")
        self.reversals.close_dispute(disputes[-1], won=outcome is Control.WON)

    def fail_refund(self, reference: str) -> None:
        """Have the newest refund come back, also after it had succeeded."""
        intent = self._intent(reference)
        refunds = [each for each in self.reversals.refunds.values() if each.intent == intent.id]
        if not refunds or refunds[-1].status not in ("pending", "succeeded"):
            raise ControlError("There is no refund that could fail.")
        self.reversals.fail(refunds[-1], self.book.charges[refunds[-1].charge])

    def truth(self) -> Sequence[PaymentTruth]:
        """Return every payment intent."""
        return [self._truth_of(intent) for intent in self.book.intents.values()]

    def _contest(self, charge: Charge) -> None:
        self.reversals.open_dispute(charge, charge.plan.dispute or "fraudulent", inquiry=charge.plan.inquiry)

    def _do_later(self, deed: Callable[[], None]) -> None:
        if self.later_seconds is not None:
            asyncio.get_running_loop().call_later(self.later_seconds, deed)

    def _payable(self, reference: str) -> Intent:
        intent = self._intent(reference)
        if intent.status not in ACTIVE:
            raise ControlError(f"The payment intent has the status {intent.status}.")
        return intent

    def _intent(self, reference: str) -> Intent:
        intent = self.book.intents.get(reference)
        if intent is None:
            raise ControlError("There is no such payment intent.", 404)
        return intent

    def _disputes(self, intent: Intent) -> list[Dispute]:
        return [each for each in self.reversals.disputes.values() if each.intent == intent.id]

    def _truth_of(self, intent: Intent) -> PaymentTruth:
        return PaymentTruth(
            reference=intent.id,
            own_id=intent.metadata.get("payment_id"),
            currency=intent.currency.upper(),
            amount_minor=minor_of(intent.amount, intent.currency),
            held_minor=minor_of(intent.amount_capturable, intent.currency),
            captured_minor=minor_of(intent.amount_received, intent.currency),
            refunds=tuple(
                RefundTruth(
                    id=refund.id,
                    own_id=refund.metadata.get("refund_id"),
                    amount_minor=minor_of(refund.amount, refund.currency),
                    status=_REFUNDS[refund.status],
                )
                for refund in self.reversals.refunds.values()
                if refund.intent == intent.id
            ),
            disputes={each.id: _DISPUTES.get(each.status, "OPEN") for each in self._disputes(intent)},
        )
