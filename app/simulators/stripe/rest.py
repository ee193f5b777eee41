"""Stripe's REST API, as far as a shop with payment intents needs it."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from starlette.routing import Route

from app.simulators.stripe.creating import (
    change,
    change_intent,
    creation,
    described_method,
    method_given,
    method_parameters,
    new_intent,
    take_method,
)
from app.simulators.stripe.errors import RefusedError, refused_response
from app.simulators.stripe.listing import PAGING
from app.simulators.stripe.objects import ACTIVE, Intent
from app.simulators.stripe.parameters import Parameters
from app.simulators.stripe.reversals_api import ReversalsApi
from app.simulators.stripe.showing import Showing, found

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from app.simulators.stripe.book import Book
    from app.simulators.stripe.calls import Call, Caller, Path
    from app.simulators.stripe.events import Journal
    from app.simulators.stripe.reversals import Reversals

TYPES_MAX: Final = 20
CANCELLATION_REASONS: Final = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")
REFUND_REASONS: Final = ("duplicate", "fraudulent", "requested_by_customer")
_CONFIRM: Final = (
    "client_secret expand off_session payment_method payment_method_data receipt_email return_url setup_future_usage"
    " shipping use_stripe_sdk"
)
_CONFIRM_UNPLAYED: Final = (
    "allowed_payment_method_types amount_details amount_to_confirm capture_method confirmation_token"
    " error_on_requires_action excluded_payment_method_types hooks mandate mandate_data payment_details"
    " payment_method_options radar_options"
)
_CAPTURE: Final = "amount_to_capture expand final_capture metadata statement_descriptor_suffix"
_CAPTURE_UNPLAYED: Final = (
    "amount_details application_fee_amount hooks payment_details statement_descriptor transfer_data"
)
_FOR_BROWSERS_NOT: Final = frozenset({"amount_capturable", "amount_received", "latest_charge", "metadata"})

_Shown = dict[str, Any]


class _Confirmation(NamedTuple):
    """How an intent is to be confirmed. `by_sdk`: Stripe.js sees to a step for the shopper."""

    return_url: str | None
    by_sdk: bool


class RestApi:
    """The calls on one account."""

    def __init__(self, book: Book, reversals: Reversals, journal: Journal) -> None:
        self._book = book
        self._showing = Showing(book)
        self._looking_back = ReversalsApi(book, reversals, journal)

    def routes(self, caller: Caller) -> list[Route]:
        """Return the paths; browsers may take those of the second table, too."""
        table: list[Path] = [
            ("POST", "/v1/payment_intents", "create", self._create_intent),
            ("GET", "/v1/payment_intents", "list", self._list_intents),
            ("POST", "/v1/payment_intents/{id}", "update", self._update_intent),
            ("POST", "/v1/payment_intents/{id}/capture", "capture", self._capture),
            ("POST", "/v1/payment_intents/{id}/cancel", "cancel", self._cancel),
            ("GET", "/v1/payment_methods/{id}", "fetch", self._method),
            *self._looking_back.paths(),
        ]
        browsers: list[Path] = [
            ("GET", "/v1/payment_intents/{id}", "fetch", self._intent),
            ("POST", "/v1/payment_intents/{id}/confirm", "confirm", self._confirm),
            ("POST", "/v1/payment_methods", "method", self._create_method),
        ]
        return [
            *(Route(path, caller.endpoint(op, work), methods=[way]) for way, path, op, work in table),
            *(
                Route(path, caller.endpoint(op, work, browsers=True), methods=[way])
                for way, path, op, work in browsers
            ),
            Route("/v1/{path:path}", _no_such_path, methods=["GET", "POST", "DELETE"]),
        ]

    def _create_intent(self, call: Call) -> _Shown:
        parameters = creation(call.form)
        confirms = parameters.boolean("confirm")
        expand = self._showing.expansion(parameters, "payment_intent")
        intent = new_intent(parameters, call.version, self._book)
        confirmation = self._confirmation(intent, parameters, call) if confirms else None
        self._book.add_intent(intent)
        if confirmation is not None:
            self._try(intent, confirmation)
        return expand.of(intent.shown())

    def _list_intents(self, call: Call) -> _Shown:
        parameters = Parameters(call.form, PAGING, "customer customer_account")
        return self._showing.page(
            self._book.intents.values(), parameters, "/v1/payment_intents", "payment_intent"
        )

    def _intent(self, call: Call) -> _Shown:
        parameters = Parameters(call.form, "client_secret expand")
        intent = self._intent_of(call, parameters)
        return self._for(call, self._showing.one(intent, parameters, "payment_intent"))

    def _update_intent(self, call: Call) -> _Shown:
        intent = found(self._book.intents, call.id, "payment_intent")
        parameters = change(call.form)
        expand = self._showing.expansion(parameters, "payment_intent")
        change_intent(intent, parameters, self._book)
        return expand.of(intent.shown())

    def _confirm(self, call: Call) -> _Shown:
        parameters = Parameters(call.form, _CONFIRM, _CONFIRM_UNPLAYED)
        intent = self._intent_of(call, parameters)
        expand = self._showing.expansion(parameters, "payment_intent")
        if intent.status not in ACTIVE:
            raise self._book.unexpected(intent, "confirmed", ", ".join(ACTIVE))
        confirmation = self._confirmation(intent, parameters, call)
        method = method_given(parameters, self._book)
        if method is not None:
            take_method(intent, method)
        self._try(intent, confirmation)
        return self._for(call, expand.of(intent.shown()))

    def _capture(self, call: Call) -> _Shown:
        parameters = Parameters(call.form, _CAPTURE, _CAPTURE_UNPLAYED)
        intent = found(self._book.intents, call.id, "payment_intent")
        amount = parameters.integer("amount_to_capture")
        final = parameters.boolean("final_capture")
        expand = self._showing.expansion(parameters, "payment_intent")
        metadata = parameters.metadata(intent.metadata)
        self._book.capture(intent, amount, final=final is not False)
        intent.metadata = metadata
        return expand.of(intent.shown())

    def _cancel(self, call: Call) -> _Shown:
        parameters = Parameters(call.form, "cancellation_reason expand")
        intent = found(self._book.intents, call.id, "payment_intent")
        reason = parameters.choice("cancellation_reason", *CANCELLATION_REASONS)
        expand = self._showing.expansion(parameters, "payment_intent")
        self._book.cancel(intent, reason)
        return expand.of(intent.shown())

    def _create_method(self, call: Call) -> _Shown:
        return described_method(method_parameters(call.form), self._book).shown()

    def _method(self, call: Call) -> _Shown:
        method = found(self._book.methods, call.id, "PaymentMethod")
        return self._showing.one(method, Parameters(call.form, "expand"), "payment_method")

    def _intent_of(self, call: Call, parameters: Parameters) -> Intent:
        """Return the intent; a browser has to know its client secret."""
        intent = found(self._book.intents, call.id, "payment_intent")
        given = parameters.text("client_secret")
        if given is None and call.secret:
            return intent
        if not hmac.compare_digest((given or "").encode(), intent.client_secret.encode()):
            raise RefusedError(
                "The client_secret provided does not match any associated PaymentIntent on this account.",
                param="client_secret",
            )
        return intent

    def _confirmation(self, intent: Intent, parameters: Parameters, call: Call) -> _Confirmation:
        """Return how an intent is to be confirmed; nothing has happened yet where that is refused."""
        given = "payment_method" in parameters or "payment_method_data" in parameters
        if intent.payment_method is None and not given:
            raise RefusedError(
                "You cannot confirm this PaymentIntent because it's missing a payment method.",
                code="payment_intent_unexpected_state",
                payment_intent=intent.shown(),
            )
        return_url = parameters.text("return_url")
        redirects = intent.automatic is not None and intent.automatic.get("allow_redirects") == "always"
        if call.secret and redirects and not return_url:
            raise RefusedError(
                "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some"
                " of these payment methods might redirect your customer off of your page, you must provide a"
                " `return_url`.",
                param="return_url",
            )
        return _Confirmation(return_url, parameters.boolean("use_stripe_sdk") is True)

    def _try(self, intent: Intent, confirmation: _Confirmation) -> None:
        """Confirm, and refuse with what the bank says where it says no."""
        intent.return_url = confirmation.return_url
        self._book.confirm(intent, by_sdk=confirmation.by_sdk)
        if intent.last_error is not None:
            said = dict(intent.last_error)
            raise RefusedError(
                said.pop("message"),
                status=402,
                kind=said.pop("type"),
                begun=True,
                payment_intent=intent.shown(),
                **said,
            )

    def _for(self, call: Call, shown: _Shown) -> _Shown:
        """Show an intent; a browser sees less of it."""
        if call.secret:
            return shown
        return {name: value for name, value in shown.items() if name not in _FOR_BROWSERS_NOT}


async def _no_such_path(request: Request) -> Response:
    said = f"Unrecognized request URL ({request.method}: {request.url.path[:64]})."
    return refused_response(RefusedError(said, status=404))
