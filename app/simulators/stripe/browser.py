"""What stands in for Stripe.js in a browser: a page to pay on, and the bank's page for 3-D Secure or a UPI app.

Plain forms: a shopper pays or declines by pressing a button and goes back to the shop with what Stripe adds to the
return URL: `payment_intent`, `payment_intent_client_secret` and `redirect_status`.
"""

from __future__ import annotations

import hmac
from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from app.simulators.kit.controls import ControlError, read_body
from app.simulators.stripe.cards import SUCCEEDS
from app.simulators.stripe.creating import take_method
from app.simulators.stripe.errors import RefusedError
from app.simulators.stripe.objects import ACTIVE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from app.simulators.stripe.account import Account
    from app.simulators.stripe.book import Book
    from app.simulators.stripe.objects import Intent

PAY_PATH: Final = "/_js/pay/{id}"
AUTHENTICATE_PATH: Final = "/_js/authenticate/{id}"
_CARDS: Final = {
    "pm_card_visa": "a card that works",
    "pm_card_authenticationRequired": "a card whose bank asks (3-D Secure)",
    "pm_card_visa_chargeDeclined": "a card that is declined",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "a card without money",
}
_SECURITY: Final = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}


class Browser:
    """The pages for one account."""

    def __init__(self, account: Account, book: Book) -> None:
        self._account = account
        self._book = book

    def routes(self) -> list[Route]:
        """Return the paths."""
        return [
            Route(PAY_PATH, self._show_pay, methods=["GET"]),
            Route(PAY_PATH, self._pay, methods=["POST"]),
            Route(AUTHENTICATE_PATH, self._show_authenticate, methods=["GET"]),
            Route(AUTHENTICATE_PATH, self._authenticate, methods=["POST"]),
        ]

    async def _show_pay(self, request: Request) -> Response:
        given = dict(request.query_params)
        try:
            intent = self._payable(request, given)
            _web(given.get("return_url", ""))
        except RefusedError as error:
            return _refused(error)
        choices = "".join(f'<option value="{card}">{label}</option>' for card, label in _CARDS.items())
        upi = '<option value="upi">a UPI app</option>' if "upi" in intent.methods else ""
        return _page(
            f"<h1>Pay {intent.currency.upper()} {intent.amount} (smallest unit)</h1>"
            f'<form method="post">{_hidden(given)}<select name="with">{choices}{upi}</select>'
            "<button>Pay</button></form>"
        )

    async def _pay(self, request: Request) -> Response:
        try:
            given = await _form(request)
            intent = self._payable(request, given)
            return_url = _web(given.get("return_url", ""))
            upi = given.get("with") == "upi"
            named = given.get("with", "")
            method = self._book.add_method("upi", SUCCEEDS) if upi else self._book.method(named)
            take_method(intent, method)
        except RefusedError as error:
            return _refused(error)
        intent.return_url = return_url
        self._book.confirm(intent)
        if intent.last_error is not None:
            return _page(f"<p>{escape(intent.last_error['message'])}</p>{_back(intent)}")
        if intent.status == "requires_action":
            query = urlencode({"client_secret": intent.client_secret})
            return RedirectResponse(f"/_js/authenticate/{intent.id}?{query}", 303)
        return RedirectResponse(_returning(intent), 303)

    async def _show_authenticate(self, request: Request) -> Response:
        given = dict(request.query_params)
        try:
            self._waiting(request, given)
        except RefusedError as error:
            return _refused(error)
        return _page(
            f'<h1>Is that you?</h1><form method="post">{_hidden(given)}'
            '<button name="outcome" value="complete">Complete</button>'
            '<button name="outcome" value="fail">Fail</button></form>'
        )

    async def _authenticate(self, request: Request) -> Response:
        try:
            given = await _form(request)
            intent = self._waiting(request, given)
        except RefusedError as error:
            return _refused(error)
        self._book.authenticate(intent, success=given.get("outcome") == "complete")
        if intent.return_url is None:
            return _page(f"<p>{escape(intent.status)}</p>")
        return RedirectResponse(_returning(intent), 303)

    def _intent(self, request: Request, given: Mapping[str, str]) -> Intent:
        intent = self._book.intents.get(request.path_params["id"])
        secret = given.get("client_secret", "").encode("utf-8", "replace")
        if intent is None or not hmac.compare_digest(secret, intent.client_secret.encode()):
            raise RefusedError("The client_secret does not match any PaymentIntent.", status=404)
        return intent

    def _payable(self, request: Request, given: Mapping[str, str]) -> Intent:
        if given.get("key") != self._account.publishable_key:
            raise RefusedError("Invalid API Key provided.", status=401)
        intent = self._intent(request, given)
        if intent.status not in ACTIVE:
            raise self._book.unexpected(intent, "confirmed", ", ".join(ACTIVE))
        return intent

    def _waiting(self, request: Request, given: Mapping[str, str]) -> Intent:
        intent = self._intent(request, given)
        if intent.status != "requires_action":
            raise RefusedError("Nothing is asked of the shopper any more.", status=409)
        return intent


def _returning(intent: Intent) -> str:
    """Return where the shopper goes back to."""
    failed = intent.last_error is not None
    added = {
        "payment_intent": intent.id,
        "payment_intent_client_secret": intent.client_secret,
        "redirect_status": "failed" if failed else "succeeded",
    }
    url = intent.return_url or ""
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(added)}"


def _back(intent: Intent) -> str:
    return f'<a href="{escape(_returning(intent))}">Back to the shop</a>'


def _web(address: str) -> str:
    """Return an address that a browser may be sent to."""
    if urlsplit(address).scheme not in ("http", "https"):
        raise RefusedError("The return_url must be an address of the web.", param="return_url")
    return address


async def _form(request: Request) -> dict[str, str]:
    try:
        return dict(parse_qsl((await read_body(request)).decode("utf-8", "replace"), max_num_fields=20))
    except (ControlError, ValueError):
        raise RefusedError("The form could not be read.") from None


def _hidden(values: Mapping[str, str]) -> str:
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in values.items()
    )


def _refused(error: RefusedError) -> Response:
    return _page(f"<p>{escape(str(error))}</p>", error.status)


def _page(content: str, status: int = 200) -> Response:
    html = f'<!doctype html><html lang="en"><title>Stripe simulator</title><main>{content}</main></html>'
    return HTMLResponse(html, status, headers=_SECURITY)
