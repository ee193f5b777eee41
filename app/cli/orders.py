"""`orderpulse orders …`: what a server knows of orders, and one order watched live."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from app.cli.moments import clock
from app.cli.output import CommandError, Output, columns, facts
from app.error_catalog import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from app.cli.remote import Remote

PAGE: Final = 100
_MONEY: Final = "{ amount currency }"
_BRIEF: Final = f"""
  id number status paymentStatus fulfillmentStatus version customerEmail createdAt
  total {_MONEY} paid {_MONEY} refunded {_MONEY}
"""
_EVENT: Final = "version type source occurredAt message amount { amount currency } cursor"
_WHOLE: Final = f"""
  {_BRIEF} balance {_MONEY} surplus {_MONEY} paymentInProgress latePaymentPolicy expiresAt metadata
  lines {{ sku name quantity total {_MONEY} }}
  payments {{
    id gateway method status reference amount {_MONEY} captured {_MONEY} refunded {_MONEY}
    lastError {{ code message declineCode }} refunds {{ id status amount {_MONEY} }}
    disputes {{ id status amount {_MONEY} }} }}
  events(first: 100) {{ nodes {{ {_EVENT} }} pageInfo {{ endCursor hasNextPage }} }}
"""
_LIST: Final = f"""
query ($filter: OrderFilter, $first: Int!, $after: Cursor) {{
  orders(filter: $filter, first: $first, after: $after) {{
    nodes {{ {_BRIEF} }} pageInfo {{ hasNextPage endCursor }} }} }}
"""
_BY_ID: Final = f"query ($id: ID!) {{ order(id: $id) {{ {_WHOLE} }} }}"
_BY_NUMBER: Final = (
    f"query ($number: String!) {{ orders(filter: {{number: $number}}, first: 1) {{ nodes {{ {_WHOLE} }} }} }}"
)
_EVENTS: Final = f"""
subscription ($id: ID!, $after: Cursor) {{
  orderEvents(orderId: $id, after: $after) {{ {_EVENT} status paymentStatus fulfillmentStatus orderId paymentId }} }}
"""
_GOOD: Final = frozenset({"CONFIRMED", "COMPLETED", "PAID", "SUCCEEDED"})
_BAD: Final = frozenset({"CANCELED", "EXPIRED", "FAILED", "REVIEW", "DISPUTED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which orders."""

    states: Sequence[str] = ()
    payment_states: Sequence[str] = ()
    email: str | None = None
    since: datetime | None = None
    most: int = 20


async def run_list(remote: Remote, output: Output, wanted: Wanted) -> ExitCode:
    """Show orders, newest first."""
    chosen: dict[str, Any] = {
        "status": [state.upper() for state in wanted.states] or None,
        "paymentStatus": [state.upper() for state in wanted.payment_states] or None,
        "customerEmail": wanted.email,
        "createdAfter": wanted.since.isoformat() if wanted.since else None,
    }
    given = {name: value for name, value in chosen.items() if value is not None}
    found: list[dict[str, Any]] = []
    after = None
    while len(found) < wanted.most:
        first = min(PAGE, wanted.most - len(found))
        page = (await remote.ask(_LIST, {"filter": given, "first": first, "after": after}))["orders"]
        found += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    rows = [
        (
            clock(order["createdAt"]),
            order["number"],
            _state(order["status"]),
            _state(order["paymentStatus"]),
            order["fulfillmentStatus"],
            _money(order["total"]),
            _money(order["paid"]),
            order["id"],
        )
        for order in found
    ]
    names = ("made", "number", "order", "payment", "goods", "total", "paid", "id")
    output.document({"orders": found}, columns(names, rows) if found else "There are no such orders.")
    return ExitCode.OK


async def run_show(remote: Remote, output: Output, order: str) -> ExitCode:
    """Show one order: what was bought, how it was paid, and everything that happened."""
    found = await _order(remote, order)
    output.document(
        found, _head(found), *(_payment(payment) for payment in found["payments"]), _timeline(found)
    )
    return ExitCode.OK


async def run_watch(remote: Remote, output: Output, order: str) -> ExitCode:
    """Show an order's events, those that were first, until Ctrl-C; a lost connection loses none."""
    found = await _order(remote, order)
    output.aside(f"Watching {found['number']} (Ctrl-C stops).")
    for event in found["events"]["nodes"]:
        output.line({**event, "orderId": found["id"]}, _line(event))
    start = {"id": found["id"], "after": found["events"]["pageInfo"]["endCursor"]}
    stream = remote.follow(
        _EVENTS,
        start,
        lambda item: str(item["orderEvents"]["cursor"]),
        lambda why, seconds: output.aside(f"Lost: {why}. Trying again in {seconds:g} s."),
    )
    async with aclosing(stream) as items:
        async for item in items:
            event = item["orderEvents"]
            output.line(
                event, _line(event).append(f"  → {event['status']} {event['paymentStatus']}", style="dim")
            )
    return ExitCode.OK


async def _order(remote: Remote, order: str) -> dict[str, Any]:
    """Find an order by its id or its number."""
    if order.startswith("ord_"):
        found = [(await remote.ask(_BY_ID, {"id": order}))["order"]]
    else:
        found = (await remote.ask(_BY_NUMBER, {"number": order}))["orders"]["nodes"]
    if not found or found[0] is None:
        raise CommandError(
            f"There is no order {order!r}, or the key may not see it.",
            ExitCode.NOT_FOUND,
            "List them: orderpulse orders list",
        )
    whole: dict[str, Any] = found[0]
    return whole


def _head(order: dict[str, Any]) -> Text:
    return facts(
        [
            ("Order", f"{order['number']}  {order['id']}  version {order['version']}"),
            ("Status", _state(order["status"])),
            ("Payment", _state(order["paymentStatus"])),
            ("Goods", order["fulfillmentStatus"]),
            *((name.capitalize(), _money(order[name])) for name in ("total", "paid", "refunded", "balance")),
            *(
                ("Line", f"{line['quantity']} of {line['name']} ({line['sku']})  {_money(line['total'])}")
                for line in order["lines"]
            ),
        ]
    )


def _payment(payment: dict[str, Any]) -> Text:
    text = Text("\nPayment ", style="bold").append(f"{payment['id']} ", style="not bold")
    text.append(_state(payment["status"])).append(
        f" {payment['gateway'].lower()} {payment['reference'] or '-'} {_money(payment['amount'])}",
        style="not bold",
    )
    if payment["lastError"]:
        text.append(f"\n  last error: {payment['lastError']['message']}", style="not bold")
    for kind in ("refunds", "disputes"):
        for each in payment[kind]:
            text.append(
                f"\n  {kind[:-1]} {each['id']} {each['status']} {_money(each['amount'])}", style="not bold"
            )
    return text


def _timeline(order: dict[str, Any]) -> Text:
    text = Text("\nWhat happened", style="bold")
    for event in order["events"]["nodes"]:
        text.append("\n").append(_line(event))
    return text


def _line(event: dict[str, Any]) -> Text:
    line = Text(f"{clock(event['occurredAt'])}  {event['version']:>3}  ", style="not bold")
    line.append(f"{event['type']:24}", style="cyan not bold").append(
        f" {event['source'].lower():7}", style="dim not bold"
    )
    if event["amount"]:
        line.append(f" {_money(event['amount'])}", style="not bold")
    return line.append(f"  {event['message']}", style="not bold") if event["message"] else line


def _state(state: str) -> Text:
    return Text(state, style="green" if state in _GOOD else "red" if state in _BAD else "yellow")


def _money(money: dict[str, str]) -> str:
    return f"{money['amount']} {money['currency']}"
