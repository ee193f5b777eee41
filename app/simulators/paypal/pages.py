"""PayPal's page, where the payer agrees or turns back by pressing a button."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.simulators.kit.display import show_amount
from app.simulators.kit.page import choices, simulated_page
from app.simulators.paypal.account import new_id

if TYPE_CHECKING:
    from app.simulators.paypal.account import Order

_CHOICES: Final = {
    "pay": "Pay now",
    "decline": "Pay with a card that is declined",
    "cancel": "Cancel and return",
}


def approval_page(order: Order) -> Response:
    """Show the buttons."""
    amount = escape(show_amount(order.amount, order.currency))
    return simulated_page(
        "PayPal", "The shop asks for", f'<p class="amount">{amount}</p>{choices("choice", _CHOICES)}'
    )


def back(order: Order, *, approved: bool) -> Response:
    """Send the payer back as PayPal does."""
    url = order.return_url if approved else order.cancel_url
    if not url:
        return HTMLResponse("<p>You may close this page.</p>")
    parts = urlsplit(url)
    told = {"token": order.id, **({"PayerID": new_id()[:13]} if approved else {})}
    query = "&".join(part for part in (parts.query, urlencode(told)) if part)
    return RedirectResponse(urlunsplit(parts._replace(query=query)), 303)
