"""The commands that look at a running server's webhooks and orders, here or elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import deliveries, orders
from app.cli.moments import read_moment
from app.cli.options import (
    SERVER_EPILOG,
    AsFormat,
    DataDir,
    Gateway,
    Key,
    Since,
    Url,
    at_server,
    chosen,
    gateway_of,
    known,
)
from app.cli.output import CommandError, Format, Output
from app.cli.run import settings_of
from app.domain.states import InboxEventStatus, OrderPaymentStatus, OrderStatus
from app.error_catalog import ExitCode

if TYPE_CHECKING:
    from app.cli.remote import Remote

events = typer.Typer(
    name="events",
    help="The gateways' webhooks as the server keeps them.",
    no_args_is_help=True,
    epilog=SERVER_EPILOG,
)
_State = Annotated[
    list[str],
    typer.Option(
        "--state",
        help=f"One of {', '.join(InboxEventStatus)}; may be repeated.",
        autocompletion=known(InboxEventStatus),
    ),
]
_Order = Annotated[str | None, typer.Option(help="An order's id or number.")]
_Type = Annotated[str | None, typer.Option(help="What the gateway calls the event.")]


def _wanted(
    gateway: str | None, state: list[str], type_: str | None, order: str | None, since: str | None, limit: int
) -> deliveries.Wanted:
    return deliveries.Wanted(
        gateway=gateway_of(gateway),
        states=chosen(state, InboxEventStatus, "state"),
        type=type_,
        order=order,
        since=read_moment(since) if since else None,
        most=limit,
    )


@events.command("list")
def events_list(
    gateway: Gateway = None,
    state: _State = [],  # noqa: B006 - typer copies it
    type_: Annotated[str | None, typer.Option("--type", help="What the gateway calls the event.")] = None,
    order: _Order = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=5000)] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with those that come.")] = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
    form: AsFormat = Format.TEXT,
) -> None:
    """List deliveries, newest first; with --follow also those that come from now on.

    Examples:  orderpulse events list --since 1h --state failed  ·  orderpulse events list --order ABC-123
    ·  orderpulse events list -f --format json
    """
    output = Output(form)

    async def work(remote: Remote) -> ExitCode:
        wanted = _wanted(gateway, state, type_, order, since, limit)
        return await deliveries.run_list(remote, output, wanted, follow=follow)

    at_server(settings_of(data_dir=data_dir), url, key, work)


@events.command("show")
def events_show(
    event_id: Annotated[str, typer.Argument(help="inb_…")],
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
    form: AsFormat = Format.TEXT,
) -> None:
    """Show one delivery: what became of it, and its body, without what shoppers pay with.

    Example:  orderpulse events show inb_01ke…
    """
    output = Output(form)
    at_server(
        settings_of(data_dir=data_dir), url, key, lambda remote: deliveries.run_show(remote, output, event_id)
    )


@events.command("replay")
def events_replay(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="inb_…, one or more.")] = None,
    since: Since = None,
    gateway: Gateway = None,
    state: _State = ["FAILED", "UNMATCHED"],  # noqa: B006 - typer copies it
    order: _Order = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=5000)] = 500,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be tried again.")] = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait for each one's outcome.", min=0, max=300)] = 10,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
    form: AsFormat = Format.TEXT,
) -> None:
    """Try deliveries again that failed or matched nothing: by their ids, or all --since a time. Nothing is done twice.

    Exit code 7 when one is still open afterwards, 6 when the server refused one (what is applied needs no other try).

    Examples:  orderpulse events replay inb_01ke…  ·  orderpulse events replay --since 2h --dry-run
    """
    output = Output(form)

    async def work(remote: Remote) -> ExitCode:
        if not ids and not since:
            raise CommandError("Nothing is named.", ExitCode.USAGE, "Name ids, or a time: --since 1h.")
        wanted = _wanted(gateway, state, None, order, since, limit)
        asked = deliveries.Replaying(ids=ids or [], wanted=wanted, dry_run=dry_run, wait_seconds=wait)
        return await deliveries.run_replay(remote, output, asked)

    at_server(settings_of(data_dir=data_dir), url, key, work)


orders_app = typer.Typer(
    name="orders", help="Orders, and one of them live.", no_args_is_help=True, epilog=SERVER_EPILOG
)
_OrderName = Annotated[str, typer.Argument(metavar="ORDER", help="Its id (ord_…) or its number.")]


@orders_app.command("list")
def orders_list(
    status: Annotated[
        list[str], typer.Option(help=f"One of {', '.join(OrderStatus)}.", autocompletion=known(OrderStatus))
    ] = [],  # noqa: B006 - typer copies it
    payment_status: Annotated[
        list[str],
        typer.Option(
            help=f"One of {', '.join(OrderPaymentStatus)}.", autocompletion=known(OrderPaymentStatus)
        ),
    ] = [],  # noqa: B006 - typer copies it
    email: Annotated[str | None, typer.Option(help="The customer's.")] = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=5000)] = 20,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
    form: AsFormat = Format.TEXT,
) -> None:
    """List orders, newest first.

    Examples:  orderpulse orders list --payment-status review  ·  orderpulse orders list --since 1d --format json
    """
    output = Output(form)

    async def work(remote: Remote) -> ExitCode:
        wanted = orders.Wanted(
            states=chosen(status, OrderStatus, "status"),
            payment_states=chosen(payment_status, OrderPaymentStatus, "payment status"),
            email=email,
            since=read_moment(since) if since else None,
            most=limit,
        )
        return await orders.run_list(remote, output, wanted)

    at_server(settings_of(data_dir=data_dir), url, key, work)


@orders_app.command("show")
def orders_show(
    order: _OrderName,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
    form: AsFormat = Format.TEXT,
) -> None:
    """Show one order: its lines, payments, refunds, and everything that happened.

    Example:  orderpulse orders show ord_01ke…
    """
    output = Output(form)
    at_server(settings_of(data_dir=data_dir), url, key, lambda remote: orders.run_show(remote, output, order))


@orders_app.command("watch")
def orders_watch(
    order: _OrderName,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
    form: AsFormat = Format.TEXT,
) -> None:
    """Watch one order live: every event once, in order, those that were first; until Ctrl-C.

    Example:  orderpulse orders watch ord_01ke… --format json
    """
    output = Output(form)
    at_server(
        settings_of(data_dir=data_dir), url, key, lambda remote: orders.run_watch(remote, output, order)
    )


def add_to(cli: typer.Typer) -> None:
    """Hang these commands in."""
    for app in (events, orders_app):
        cli.add_typer(app)
