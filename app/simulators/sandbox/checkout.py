"""The hosted checkout: the pages under /checkout over HTTP. A card's number is read, used and forgotten."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from app.simulators.sandbox import cards, pages, parameters, transitions
from app.simulators.sandbox.errors import ApiError
from app.simulators.sandbox.objects import PaymentStatus, checkout_url

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.requests import Request

    from app.simulators.sandbox.account import Account
    from app.simulators.sandbox.markup import Markup
    from app.simulators.sandbox.objects import Payment
    from app.simulators.sandbox.transitions import Step

FORM_FIELDS_MAX: Final = 10
_SUBMISSION: Final = re.compile(r"[A-Za-z0-9_\-]{16,64}")
_ASSETS: Final = Path(__file__).with_name("assets")
_MEDIA_TYPES: Final = {"checkout.css": "text/css", "dunes.svg": "image/svg+xml", "mark.svg": "image/svg+xml"}
_PAID: Final = frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.AUTHORIZED})
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Checkout:
    """The pages of one account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._book = account.book
        self._assets = {name: (_ASSETS / name).read_bytes() for name in _MEDIA_TYPES}

    def routes(self) -> list[Route]:
        """Return what to mount at the root."""
        return [
            Route("/checkout/{id}", self._show, methods=["GET"]),
            Route("/checkout/{id}/pay", self._pay, methods=["POST"]),
            Route("/checkout/{id}/authenticate", self._authenticate, methods=["POST"]),
            Route("/assets/{name}", self._asset, methods=["GET"]),
        ]

    async def _show(self, request: Request) -> Response:
        payment = self._payment(request)
        return self._page(payment) if payment else _missing()

    async def _pay(self, request: Request) -> Response:
        form = await _read_form(request)
        payment = self._payment(request)
        if payment is None:
            return _missing()
        submission = form.get("submission", "")
        if not _SUBMISSION.fullmatch(submission) or self._is_answered(payment, submission):
            # A second click, or a page from before: show where the payment stands instead of paying again.
            return self._onward(payment)
        chosen = form.get("card")
        card = cards.use_card(form.get("number", "") if chosen is None else chosen)
        problems = {} if chosen and card else _problems(form, card)
        if card is None or problems:
            return self._page(payment, problems)
        return self._commit(payment, lambda: transitions.pay(payment, card, self._book.now, submission))

    async def _authenticate(self, request: Request) -> Response:
        form = await _read_form(request)
        payment = self._payment(request)
        if payment is None:
            return _missing()
        result = form.get("result")
        waiting = payment.status is PaymentStatus.REQUIRES_ACTION
        if (
            not waiting
            or payment.attempts[-1].id != form.get("attempt")
            or result not in ("complete", "fail")
        ):
            return self._onward(payment)
        return self._commit(
            payment,
            lambda: transitions.authenticate(payment, self._book.now, completed=result == "complete"),
        )

    async def _asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._assets:
            raise ApiError("resource_missing", "No such file.", status=404)
        headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
        return Response(self._assets[name], headers=headers, media_type=_MEDIA_TYPES[name])

    def _payment(self, request: Request) -> Payment | None:
        return self._book.payments.get(request.path_params["id"])

    def _is_answered(self, payment: Payment, submission: str) -> bool:
        if payment.status is not PaymentStatus.REQUIRES_PAYMENT_METHOD:
            return True
        return any(attempt.submission == submission for attempt in payment.attempts)

    def _commit(self, payment: Payment, work: Callable[[], Sequence[Step]]) -> Response:
        try:
            self._book.commit(work())
        except ApiError as refusal:
            return self._page(payment, {"number": refusal.message})
        return self._onward(self._book.payments[payment.id])

    def _onward(self, payment: Payment) -> Response:
        back = _back_url(payment)
        here = checkout_url(self._account.public_url, payment.id)
        target = back if back and payment.status in _PAID else here
        return RedirectResponse(target, status_code=303, headers=_HEADERS)

    def _page(self, payment: Payment, problems: Mapping[str, str] | None = None) -> Response:
        merchant, back = self._account.config.merchant, _back_url(payment)
        match payment.status:
            case PaymentStatus.REQUIRES_PAYMENT_METHOD:
                page = pages.checkout_page(
                    payment,
                    merchant=merchant,
                    submission=secrets.token_urlsafe(16),
                    back_url=back,
                    problems=problems or {},
                )
            case PaymentStatus.REQUIRES_ACTION:
                page = pages.challenge_page(payment, merchant=merchant)
            case _:
                page = pages.end_page(payment, merchant=merchant, back_url=back)
        return _html(page, 422 if problems else 200, payment.return_url)


async def _read_form(request: Request) -> dict[str, str]:
    try:
        text = (await parameters.read_body(request)).decode()
        return dict(parse_qsl(text, max_num_fields=FORM_FIELDS_MAX))
    except ValueError:
        raise ApiError("body_invalid", "The form could not be read.") from None


def _problems(form: Mapping[str, str], card: cards.CardUse | None) -> dict[str, str]:
    problems = {}
    if card is None:
        problems["number"] = "This is not a card number. Check the digits."
    expiry = cards.read_expiry(form.get("expiry", ""))
    today = datetime.now(UTC)
    if expiry is None:
        problems["expiry"] = "Write the month and the year, as in 04 / 30."
    elif expiry < (today.year, today.month):
        problems["expiry"] = "This date has passed."
    if not cards.is_cvc(form.get("cvc", "")):
        problems["cvc"] = "Three or four digits."
    return problems


def _back_url(payment: Payment) -> str | None:
    """Return the merchant's address with `payment` added to its query."""
    if payment.return_url is None:
        return None
    parts = urlsplit(payment.return_url)
    added = urlencode({"payment": payment.id})
    return urlunsplit(parts._replace(query=f"{parts.query}&{added}" if parts.query else added))


def _missing() -> Response:
    return _html(pages.missing_page(), 404, None)


def _html(page: Markup, status: int, return_url: str | None) -> Response:
    # Browsers hold a form's redirect to form-action too, so the merchant's origin has to be in it.
    parts = urlsplit(return_url or "")
    merchant = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self'; "
        f"form-action 'self'{merchant}; base-uri 'none'; frame-ancestors 'none'"
    )
    return HTMLResponse(page, status, {**_HEADERS, "Content-Security-Policy": policy})
