"""The payment page, as plain forms: a shopper pays or declines by pressing a button, and goes back to the shop.

The real one posts the result to the callback URL by script; here the shopper presses one more button. What it is opened
with is documented; what it looks like here is made up.
"""

from __future__ import annotations

import hmac
from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

import orjson
from starlette.responses import HTMLResponse

from app.simulators.kit.controls import read_body
from app.simulators.paytm.amounts import write_amount
from app.simulators.paytm.book import WAITS
from app.simulators.paytm.webhooks import payment_form

if TYPE_CHECKING:
    from starlette.requests import Request

    from app.simulators.paytm.account import Account
    from app.simulators.paytm.book import Book, Order

PAGE_PATH: Final = "/theia/api/v1/showPaymentPage"
PAY_PATH: Final = "/theia/api/v1/showPaymentPage/pay"
_MODES: Final = {"CC": "Card", "NB": "Net banking", "PPI": "Wallet", "UPI": "UPI"}
_SECURITY: Final = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}


class HostedPage:
    """The page for one account."""

    def __init__(self, account: Account, book: Book) -> None:
        self._account = account
        self._book = book

    async def show(self, request: Request) -> HTMLResponse:
        """Show what is to be paid to whoever has the order's token."""
        form = dict(parse_qsl((await read_body(request)).decode("latin-1")))
        order = self._order(form)
        if order is None or order.status in ("TXN_SUCCESS", "PENDING"):
            return _page("<p>Your session has expired.</p>", 404)
        choices = "".join(f'<option value="{mode}">{name}</option>' for mode, name in _MODES.items())
        return _page(
            f"<h1>Pay ₹{write_amount(order.amount)}</h1><form method='post' action='{PAY_PATH}'>"
            f"{_hidden({'orderId': order.id, 'txnToken': order.token})}"
            f"<select name='paymentMode'>{choices}</select>"
            "<button name='outcome' value='pay'>Pay</button>"
            "<button name='outcome' value='decline'>Decline</button></form>"
        )

    async def pay(self, request: Request) -> HTMLResponse:
        """Take the shopper's choice, and offer the way back with the result."""
        form = dict(parse_qsl((await read_body(request)).decode("latin-1")))
        order, mode = self._order(form), form.get("paymentMode", "CC")
        if order is None or order.status is not None or mode not in _MODES:
            return _page("<p>Your session has expired.</p>", 404)
        self._book.begin(order, mode, WAITS)
        if form.get("outcome") == "decline":
            self._book.decline(order)
        else:
            self._book.take(order, order.amount)
        callback = orjson.loads(order.asked).get("callbackUrl")
        back = escape(callback) if isinstance(callback, str) else ""
        return _page(
            f"<p>{escape(order.reason[1])}</p><form method='post' action='{back}'>"
            f"{_hidden(payment_form(self._account, order))}<button>Back to the shop</button></form>"
        )

    def _order(self, form: dict[str, str]) -> Order | None:
        order = self._book.orders.get(form.get("orderId", ""))
        known = order is not None and hmac.compare_digest(
            form.get("txnToken", "").encode(), order.token.encode()
        )
        return order if known else None


def _hidden(fields: dict[str, str]) -> str:
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )


def _page(content: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>Paytm (simulated)</title>{content}</html>",
        status,
        _SECURITY,
    )
