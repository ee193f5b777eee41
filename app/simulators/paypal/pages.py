"""PayPal's page, where the payer agrees or turns back by pressing a button."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit, urlunsplit

from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.simulators.paypal.account import new_id
from app.simulators.paypal.amounts import write_amount

if TYPE_CHECKING:
    from app.simulators.paypal.account import Order

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>PayPal (simulated)</title>
<h1>Pay {amount}</h1><form method="post">
<button name="choice" value="pay">Pay now</button>
<button name="choice" value="decline">Pay with a card that is declined</button>
<button name="choice" value="cancel">Cancel and return</button>
</form></html>"""


def approval_page(order: Order) -> Response:
    """Show the buttons."""
    amount = write_amount(order.amount, order.currency)
    return HTMLResponse(_PAGE.format(amount=escape(f"{amount['value']} {amount['currency_code']}")))


def back(order: Order, *, approved: bool) -> Response:
    """Send the payer back as PayPal does."""
    url = order.return_url if approved else order.cancel_url
    if not url:
        return HTMLResponse("<p>You may close this page.</p>")
    parts = urlsplit(url)
    told = {"token": order.id, **({"PayerID": new_id()[:13]} if approved else {})}
    query = "&".join(part for part in (parts.query, urlencode(told)) if part)
    return RedirectResponse(urlunsplit(parts._replace(query=query)), 303)
