"""The part of Stripe's API that looks back: charges, refunds, disputes and events."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from app.simulators.stripe.errors import RefusedError
from app.simulators.stripe.listing import PAGING
from app.simulators.stripe.parameters import Parameters
from app.simulators.stripe.showing import Showing, found

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.simulators.stripe.book import Book
    from app.simulators.stripe.calls import Call, Path
    from app.simulators.stripe.events import Journal
    from app.simulators.stripe.objects import Charge, Dispute, Refund
    from app.simulators.stripe.reversals import Reversals

TYPES_MAX: Final = 20
REFUND_REASONS: Final = ("duplicate", "fraudulent", "requested_by_customer")
_Shown = dict[str, Any]


class ReversalsApi:
    """The calls on what became of payments."""

    def __init__(self, book: Book, reversals: Reversals, journal: Journal) -> None:
        self._book = book
        self._reversals = reversals
        self._journal = journal
        self._showing = Showing(book)

    def paths(self) -> list[Path]:
        """Return the paths, for a secret key alone."""
        return [
            ("GET", "/v1/charges", "list", self._list_charges),
            ("GET", "/v1/charges/{id}", "fetch", self._charge),
            ("POST", "/v1/refunds", "refund", self._create_refund),
            ("GET", "/v1/refunds", "list", self._list_refunds),
            ("GET", "/v1/refunds/{id}", "fetch", self._refund),
            ("POST", "/v1/refunds/{id}", "update", self._update_refund),
            ("POST", "/v1/refunds/{id}/cancel", "update", self._cancel_refund),
            ("GET", "/v1/disputes", "list", self._list_disputes),
            ("GET", "/v1/disputes/{id}", "fetch", self._dispute),
            ("POST", "/v1/disputes/{id}", "update", self._update_dispute),
            ("POST", "/v1/disputes/{id}/close", "update", self._close_dispute),
            ("GET", "/v1/events", "events", self._list_events),
            ("GET", "/v1/events/{id}", "events", self._event),
        ]

    def _list_charges(self, call: Call) -> _Shown:
        parameters = Parameters(call.form, f"{PAGING} payment_intent", "customer transfer_group")
        wanted = parameters.text("payment_intent")
        charges = [each for each in self._book.charges.values() if wanted in (None, each.intent)]
        return self._showing.page(charges, parameters, "/v1/charges", "charge")

    def _charge(self, call: Call) -> _Shown:
        return self._showing.one(
            found(self._book.charges, call.id, "charge"), Parameters(call.form, "expand"), "charge"
        )

    def _create_refund(self, call: Call) -> _Shown:
        parameters = Parameters(
            call.form,
            "amount charge expand metadata payment_intent reason",
            "currency customer instructions_email origin refund_application_fee reverse_transfer",
        )
        charge = self._charge_to_refund(parameters)
        amount = parameters.integer("amount")
        reason = parameters.choice("reason", *REFUND_REASONS)
        metadata, expand = parameters.metadata(), self._showing.expansion(parameters, "refund")
        return expand.of(self._reversals.refund(charge, amount, reason, metadata).shown())

    def _list_refunds(self, call: Call) -> _Shown:
        return self._of_payment(call, self._reversals.refunds.values(), "/v1/refunds", "refund")

    def _refund(self, call: Call) -> _Shown:
        return self._showing.one(
            found(self._reversals.refunds, call.id, "refund"), Parameters(call.form, "expand"), "refund"
        )

    def _update_refund(self, call: Call) -> _Shown:
        parameters = Parameters(call.form, "expand metadata")
        refund = found(self._reversals.refunds, call.id, "refund")
        expand = self._showing.expansion(parameters, "refund")
        self._reversals.change(refund, parameters.metadata(refund.metadata))
        return expand.of(refund.shown())

    def _cancel_refund(self, call: Call) -> _Shown:
        expand = self._showing.expansion(Parameters(call.form, "expand"), "refund")
        refund = found(self._reversals.refunds, call.id, "refund")
        self._reversals.cancel(refund, self._book.charges[refund.charge])
        return expand.of(refund.shown())

    def _list_disputes(self, call: Call) -> _Shown:
        return self._of_payment(call, self._reversals.disputes.values(), "/v1/disputes", "dispute")

    def _dispute(self, call: Call) -> _Shown:
        return self._showing.one(
            found(self._reversals.disputes, call.id, "dispute"), Parameters(call.form, "expand"), "dispute"
        )

    def _update_dispute(self, call: Call) -> _Shown:
        parameters = Parameters(call.form, "evidence expand metadata submit", "intended_submission_method")
        dispute = found(self._reversals.disputes, call.id, "dispute")
        evidence = {name: text for name, text in parameters.tree("evidence").items() if isinstance(text, str)}
        submits = parameters.boolean("submit") is not False
        expand = self._showing.expansion(parameters, "dispute")
        self._reversals.answer_dispute(
            dispute, evidence, parameters.metadata(dispute.metadata), submits=submits
        )
        return expand.of(dispute.shown())

    def _close_dispute(self, call: Call) -> _Shown:
        expand = self._showing.expansion(Parameters(call.form, "expand"), "dispute")
        dispute = found(self._reversals.disputes, call.id, "dispute")
        if not dispute.is_open:
            raise RefusedError("This dispute is already closed.", begun=True)
        self._reversals.close_dispute(dispute, won=False)
        return expand.of(dispute.shown())

    def _list_events(self, call: Call) -> _Shown:
        parameters = Parameters(call.form, f"{PAGING} type types", "delivery_success")
        one, several = parameters.text("type"), parameters.texts("types", TYPES_MAX)
        if one and several:
            raise RefusedError("You may only specify one of these parameters: type, types.")
        wanted = [one] if one else several
        events = [
            each
            for each in self._journal.events
            if not wanted or any(fnmatchcase(each.kind, pattern) for pattern in wanted)
        ]
        return self._showing.page(events, parameters, "/v1/events", "event")

    def _event(self, call: Call) -> _Shown:
        told = found({each.id: each for each in self._journal.events}, call.id, "event")
        return self._showing.one(told, Parameters(call.form, "expand"), "event")

    def _charge_to_refund(self, parameters: Parameters) -> Charge:
        intent_id, charge_id = parameters.text("payment_intent"), parameters.text("charge")
        if (intent_id is None) == (charge_id is None):
            raise RefusedError(
                "One of the following params should be provided for this request: payment_intent or charge."
            )
        if charge_id is not None:
            return found(self._book.charges, charge_id, "charge", param="charge")
        intent = found(self._book.intents, intent_id or "", "payment_intent", param="payment_intent")
        charge = self._book.charge_of(intent)
        if charge is None:
            raise RefusedError(
                f"This PaymentIntent ({intent.id}) does not have a successful charge to refund.", begun=True
            )
        return charge

    def _of_payment(self, call: Call, objects: Iterable[Refund | Dispute], url: str, what: str) -> _Shown:
        parameters = Parameters(call.form, f"{PAGING} charge payment_intent")
        intent, charge = parameters.text("payment_intent"), parameters.text("charge")
        matching = [
            each for each in objects if intent in (None, each.intent) and charge in (None, each.charge)
        ]
        return self._showing.page(matching, parameters, url, what)
