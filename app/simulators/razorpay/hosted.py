"""The hosted checkout, as plain forms: a shopper pays or declines by pressing a button, and goes back to the shop.

The real one posts to the callback URL by script; here the shopper presses one more button, so that none is needed.
Source: razorpay.com/docs/payments/payment-gateway/web-integration/hosted/integration-steps, read in November 2026.
"""

from __future__ import annotations

import hashlib
import hmac
from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from starlette.responses import HTMLResponse, Response

from app.simulators.razorpay.book import DECLINED, ORDER_PAID, found
from app.simulators.razorpay.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from app.simulators.razorpay.account import Account
    from app.simulators.razorpay.book import Book
    from app.simulators.razorpay.objects import Order

CHECKOUT_PATH: Final = "/v1/checkout/embedded"
PAY_PATH: Final = "/v1/checkout/embedded/pay"
FORM_BYTES_MAX: Final = 16 * 1024
_METHODS: Final = ("card", "upi", "netbanking", "wallet")
_SECURITY: Final = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}


class HostedCheckout:
    """The page for one account."""

    def __init__(self, account: Account, book: Book) -> None:
        self._account = account
        self._book = book

    async def show(self, request: Request) -> Response:
        """Show what is to be paid."""
        form = await _form(request)
        try:
            _same(form.get("key_id"), self._account.key_id)
            order = found(self._book.orders, form.get("order_id", ""))
            kept = {"order_id": order.id, "callback_url": _web(form, "callback_url")}
        except RefusedError as error:
            return _page(f"<p>{escape(error.description)}</p>", error.status)
        choices = "".join(f'<option value="{method}">{method}</option>' for method in _METHODS)
        return _page(
            f"<h1>Pay {order.currency} {order.amount} (smallest unit)</h1>"
            f'<form method="post" action="{PAY_PATH}">{_hidden(kept)}'
            f'<select name="method">{choices}</select>'
            '<button name="outcome" value="pay">Pay</button>'
            '<button name="outcome" value="decline">Decline</button></form>'
        )

    async def pay(self, request: Request) -> Response:
        """Have the shopper pay, and send them back with what Razorpay signs."""
        form = await _form(request)
        try:
            order = _open(found(self._book.orders, form.get("order_id", "")))
            callback_url = _web(form, "callback_url")
            method = _method(form)
        except RefusedError as error:
            return _page(f"<p>{escape(error.description)}</p>", error.status)
        payment = self._book.start(order, method)
        if form.get("outcome") == "pay":
            self._book.authorize(payment)
            back = {
                "razorpay_payment_id": payment.id,
                "razorpay_order_id": order.id,
                "razorpay_signature": signed(order.id, payment.id, self._account.key_secret),
            }
        else:
            self._book.decline(payment)
            code, description, reason = DECLINED
            back = {
                "error[code]": code,
                "error[description]": description,
                "error[reason]": reason,
                "error[metadata]": f'{{"payment_id":"{payment.id}","order_id":"{order.id}"}}',
            }
        return _page(
            f'<form method="post" action="{escape(callback_url)}">{_hidden(back)}'
            "<button>Back to the shop</button></form>"
        )


def signed(order_id: str, payment_id: str, key_secret: str) -> str:
    """Return what proves to the shop that a payment belongs to an order."""
    text = f"{order_id}|{payment_id}".encode()
    return hmac.new(key_secret.encode(), text, hashlib.sha256).hexdigest()


async def _form(request: Request) -> dict[str, str]:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > FORM_BYTES_MAX:
            return {}
    return dict(parse_qsl(raw.decode("utf-8", "replace")))


def _same(key_id: str | None, known: str) -> None:
    if key_id != known:
        raise RefusedError("The api key provided is invalid", status=401)


def _open(order: Order) -> Order:
    if order.status == "paid":
        raise RefusedError(ORDER_PAID)
    return order


def _method(form: Mapping[str, str]) -> str:
    if form.get("method") not in _METHODS:
        raise RefusedError("The selected method is invalid.")
    return form["method"]


def _web(form: Mapping[str, str], name: str) -> str:
    """Return an address that a browser may be sent to."""
    address = form.get(name, "")
    if urlsplit(address).scheme not in ("http", "https"):
        raise RefusedError(f"The {name} format is invalid.")
    return address


def _hidden(values: Mapping[str, str]) -> str:
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in values.items()
    )


def _page(content: str, status: int = 200) -> Response:
    html = f'<!doctype html><html lang="en"><title>Razorpay simulator</title><main>{content}</main></html>'
    return HTMLResponse(html, status, headers=_SECURITY)
