"""The tracking page as the server writes it: complete without JavaScript, then kept live by `track.js`.

The script finds its places by `id` and rewrites them in the same shape; `web/src/track/render.ts` is the
other half of this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.states import OrderStatus
from app.web import words
from app.web.amounts import format_moment, format_money
from app.web.markup import Markup, element

if TYPE_CHECKING:
    from app.domain.money import Money
    from app.web.tracked import TrackedEvent, TrackedOrder


def tracking_body(order: TrackedOrder, *, pay_url: str | None, locale: str, endpoint: str) -> Markup:
    """Return the page's main part. `pay_url` is where the order can be paid, if anywhere."""
    newest = order.events[-1] if order.events else None
    return element(
        "main",
        element(
            "header",
            element("p", "Order ", element("b", order.number)),
            element("p", "Reload this page for news.", id="connection", data_state="off"),
        ),
        _status(order),
        _steps(order),
        _pay_link(order, pay_url) if pay_url else "",
        _lines(order, locale),
        _timeline(order, locale),
        id="track",
        class_="track",
        data_order=order.id,
        data_cursor=newest.cursor if newest else None,
        data_payment=words.last_payment_event(order),
        data_locale=locale,
        data_endpoint=endpoint,
    )


def _status(order: TrackedOrder) -> Markup:
    say = words.headline(order)
    return element(
        "div",
        element("h1", say.headline, id="headline"),
        element("p", say.detail, id="detail"),
        id="status",
        class_="status",
        role="status",
        aria_live="polite",
        data_tone=say.tone,
    )


def _steps(order: TrackedOrder) -> Markup:
    items = [
        element(
            "li",
            element("span", step.label),
            element("span", ": done" if step.done else ": to come", class_="hush"),
            data_done=step.done,
            aria_current="step" if step.current else None,
        )
        for step in words.steps(order)
    ]
    return element("ol", *items, id="steps", class_="steps", aria_label="Progress")


def _pay_link(order: TrackedOrder, pay_url: str) -> Markup:
    payable = _owes(order) and not order.payment_in_progress
    return element(
        "p",
        element("a", words.pay_label(order), id="pay", class_="button", href=pay_url),
        id="pay-line",
        class_="pay",
        hidden=not payable,
    )


def _owes(order: TrackedOrder) -> bool:
    """Whether the shopper has something left to pay; what was given back after that is not asked for again."""
    return order.status is OrderStatus.PENDING and order.balance.minor > 0


def _lines(order: TrackedOrder, locale: str) -> Markup:
    rows = [
        element(
            "tr",
            element("td", f"{line.quantity} \N{MULTIPLICATION SIGN}", class_="quantity"),
            element("th", line.name, scope="row"),
            _money_cell(line.total, locale),
        )
        for line in order.lines
    ]
    sums = [
        _sum_row("Total", order.total, locale, "total"),
        _sum_row("Paid", order.paid, locale, "paid"),
        _sum_row("Refunded", order.refunded, locale, "refunded", hidden=order.refunded.minor == 0),
        _sum_row("Left to pay", order.balance, locale, "balance", hidden=not _owes(order)),
    ]
    return element(
        "section",
        element("h2", "What you ordered"),
        element("table", element("tbody", *rows), element("tfoot", *sums)),
        class_="lines",
    )


def _sum_row(label: str, money: Money, locale: str, name: str, *, hidden: bool = False) -> Markup:
    return element(
        "tr",
        element("td"),
        element("th", label, scope="row"),
        _money_cell(money, locale, id_=name),
        hidden=hidden,
    )


def _money_cell(money: Money, locale: str, *, id_: str | None = None) -> Markup:
    return element("td", format_money(money, locale), class_="money", id=id_)


def _timeline(order: TrackedOrder, locale: str) -> Markup:
    items = [_event(event, locale) for event in reversed(order.events)]
    return element(
        "section",
        element("h2", "What happened"),
        element("ol", *items, id="events", class_="events", reversed=True),
        class_="timeline",
    )


def _event(event: TrackedEvent, locale: str) -> Markup:
    moment = event.occurred_at
    amount = format_money(event.amount, locale) if event.amount else ""
    return element(
        "li",
        element("time", format_moment(moment, locale), datetime=moment.isoformat()),
        element("span", words.EVENTS[event.type], class_="what"),
        element("span", amount, class_="money") if amount else "",
        element("span", event.message, class_="message") if event.message else "",
    )
