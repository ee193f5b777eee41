"""The commands and what their `--help` teaches. What they do is in the modules beside this one.

Those are imported by the command that runs, so that help, completion and mistakes are answered at once.
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads it at run time
from typing import Annotated, Final
from uuid import UUID  # noqa: TC003 - typer reads it at run time

import typer

from app.cli import server_commands, tool_commands
from app.cli.options import AsFormat, DataDir
from app.cli.output import CommandError, Format, Output
from app.cli.run import fail, run, settings_of, start
from app.roles import Role
from app.scopes import Scope
from app.simulators import SANDBOX, simulator_names

_EPILOG: Final = (
    "Settings come from the environment: DATABASE_URL and ORDERPULSE_…  "
    "Start with [bold]orderpulse demo[/bold]; look for trouble with [bold]orderpulse doctor[/bold]."
)

cli = typer.Typer(
    name="orderpulse",
    help="The payment-to-order backbone of a storefront: a successful payment always, exactly once and at once "
    "shows in its order.",
    epilog=_EPILOG,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

Port = Annotated[int | None, typer.Option(help="Port to listen on.", min=0, max=65535, show_default="8000")]
Host = Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")]


@cli.command()
def demo(
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the shop in a browser (only from a terminal).")
    ] = True,
    reset: Annotated[bool, typer.Option("--reset", help="Drop the data of earlier runs first.")] = False,
    traffic: Annotated[
        str | None, typer.Option(help="Shoppers who order, pay, get declined, refunded: 5/s, 30/m.")
    ] = None,
    chaos: Annotated[
        bool,
        typer.Option(
            "--chaos", help="Have the gateways' webhooks doubled, late, shuffled, lost; calls fail."
        ),
    ] = False,
) -> None:
    """Buy something, and watch the order turn paid: everything in one command, on this machine.

    Starts an embedded PostgreSQL, brings it to the newest schema, fills the catalogue, starts the sandbox gateway and
    the server, and prints where everything is. Ctrl-C stops it; data are kept for the next run.

    Examples:  orderpulse demo  ·  orderpulse demo --port 9000 --no-open  ·  orderpulse demo --reset
    ·  orderpulse demo --traffic 5/s --chaos  ·  orderpulse demo --host 0.0.0.0 (shows a QR code for a phone)
    """
    from app.cli.demo import DemoOptions, run_demo
    from app.cli.traffic import read_rate

    settings = settings_of(host=host, port=port, data_dir=data_dir)
    try:
        rate = read_rate(traffic) if traffic else None
    except CommandError as error:
        fail(str(error), error.code, error.to_do)
    options = DemoOptions(
        open_browser=open_browser, reset=reset, port_given=port is not None, traffic=rate, chaos=chaos
    )
    run(run_demo(settings, options))


@cli.command()
def serve(
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    role: Annotated[
        Role | None, typer.Option(help="What to serve.", show_default="all", case_sensitive=False)
    ] = None,
    worker: Annotated[
        bool | None,
        typer.Option("--worker/--no-worker", help="Do owed work too (role all): refunds, polls, expiry."),
    ] = None,
    log_file: Annotated[
        Path | None, typer.Option(help="A file to log to as well, in JSON, for `orderpulse logs tail`.")
    ] = None,
) -> None:
    """Serve GraphQL, webhooks and the tracking page, and do owed work; or one of these by its role.

    The role worker does owed work and serves nobody but /livez, /readyz and /metrics, which every role has. Any number
    of processes of any roles may run on one database.

    With DATABASE_URL set: on that PostgreSQL (15 or newer), which `orderpulse migrate` must have brought to the newest
    schema. Without: on an embedded one in the data folder, migrated at each start.
    """
    from app.cli.serving import run_serve

    given = {"host": host, "port": port, "data_dir": data_dir, "role": role, "worker": worker}
    run(run_serve(settings_of(**given, log_path=log_file)))


@cli.command()
def jobs(
    data_dir: DataDir = None,
    revive: Annotated[UUID | None, typer.Option(help="Try this dead job again, at once.")] = None,
    form: AsFormat = Format.TEXT,
) -> None:
    """Show what is owed, and what was given up and waits for people."""
    from app.cli.owed import run_jobs

    run(run_jobs(settings_of(data_dir=data_dir), Output(form), revive))


@cli.command()
def migrate(data_dir: DataDir = None, form: AsFormat = Format.TEXT) -> None:
    """Bring the database to the newest schema. Safe to run by several at once, and again."""
    from app.cli.migrating import run_migrate

    run(run_migrate(settings_of(data_dir=data_dir), Output(form)))


@cli.command()
def doctor(data_dir: DataDir = None, form: AsFormat = Format.TEXT) -> None:
    """Check everything that has to be right, and say how to mend what isn't. Exit code 1 when something isn't."""
    from app.cli.doctor import run_doctor

    run(run_doctor(settings_of(data_dir=data_dir), Output(form)))


@cli.command()
def audit(
    recent: Annotated[
        int | None,
        typer.Option(help="Only so many of the orders, deliveries and keys that changed last.", min=1),
    ] = None,
    data_dir: DataDir = None,
    form: AsFormat = Format.TEXT,
) -> None:
    """Hold everything against facts and ledger, and name whatever breaks an invariant. Exit code 1 when something does.

    Safe while the server runs: each page is read as of one moment. It changes nothing.

    Examples:  orderpulse audit  ·  orderpulse audit --recent 10000  ·  orderpulse audit --format json
    """
    from app.cli.auditing import AuditOptions, run_audit

    run(run_audit(settings_of(data_dir=data_dir), AuditOptions(recent=recent, output=Output(form))))


@cli.command()
def sandbox(
    webhook_url: Annotated[
        str | None,
        typer.Option(help="Where webhooks go; http://127.0.0.1:8000/webhooks/<gateway> when left out."),
    ] = None,
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8001,
    gateway: Annotated[
        str, typer.Option("--as", help=f"Play a real gateway instead: {' or '.join(simulator_names())}.")
    ] = SANDBOX,
    log: Annotated[Path | None, typer.Option(help="File that keeps its payments over restarts.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Run the sandbox gateway alone: hosted checkout with test cards, signed webhooks with retries.

    It takes its secrets from ORDERPULSE_SANDBOX_SECRET_KEY and ORDERPULSE_SANDBOX_WEBHOOK_SECRETS, as the server does.

    With --as it speaks the wire format of a real gateway, makes up an account there, and prints the settings by which
    the server reaches it. What happened is forgotten when it stops.
    """
    from app.cli.sandboxing import SandboxOptions, SimulatorOptions, run_sandbox, run_simulator

    (name,) = _simulated(gateway)[:1]
    url = webhook_url or f"http://127.0.0.1:8000/webhooks/{name}"
    if name == SANDBOX:
        settings = settings_of(data_dir=data_dir)
        run(run_sandbox(settings, SandboxOptions(webhook_url=url, port=port, log_path=log)))
    if log is not None:
        fail("--log is for the sandbox alone: the simulators forget.")
    run(run_simulator(SimulatorOptions(gateway=name, webhook_url=url, port=port)))


@cli.command()
def chaos(
    seed: Annotated[str, typer.Option(help="One seed, or several as in 1..20.")] = "1",
    gateway: Annotated[str, typer.Option(help="all, or names with commas between: stripe,razorpay.")] = "all",
    orders: Annotated[int, typer.Option(help="Orders of each gateway for each seed.", min=1, max=1000)] = 12,
) -> None:
    """Drive simulated gateways mad, and see whether every payment finds its order all the same.

    Webhooks come twice, late, in any order or never; calls fail, hang or are answered with nonsense; banks change their
    minds, payments succeed twice, orders are canceled as they are paid. In the end what is known here is compared with
    what really happened, and everything is audited. Nothing of this installation is touched: database, server and
    gateways live in a temporary folder. The same seed makes the same decisions.
    """
    from app.cli.chaos import ChaosOptions, run_chaos

    options = ChaosOptions(seeds=_seeds(seed), gateways=_simulated(gateway), orders=orders)
    run(run_chaos(options))


tokens = typer.Typer(
    name="token", help="Keys for services, and access tokens of orders.", no_args_is_help=True
)
cli.add_typer(tokens)
Scopes = Annotated[list[str], typer.Option("--scope", help=f"One of {', '.join(Scope)}; may be repeated.")]


@tokens.command("create")
def token_create(
    name: Annotated[str, typer.Argument(help="Whose key it is.")],
    scope: Scopes,
    days: Annotated[int | None, typer.Option(help="How long it is good.", min=1, max=3650)] = None,
    data_dir: DataDir = None,
) -> None:
    """Make a service's key and print it, once: only its hash is kept."""
    from app.cli.tokens import NewKey, run_create

    new = NewKey(name=name, scopes=_scopes(scope), days=days)
    run(run_create(settings_of(data_dir=data_dir), new))


@tokens.command("list")
def token_list(data_dir: DataDir = None, form: AsFormat = Format.TEXT) -> None:
    """Show services' keys and what they may do; the keys themselves can't be shown."""
    from app.cli.tokens import run_list

    run(run_list(settings_of(data_dir=data_dir), Output(form)))


@tokens.command("revoke")
def token_revoke(
    what: Annotated[str, typer.Argument(help="A key, its id, or an order's id for all its access tokens.")],
    data_dir: DataDir = None,
) -> None:
    """Take a key back. What runs by it ends within half a minute. Exit code 1 when nothing was good."""
    from app.cli.tokens import run_revoke

    run(run_revoke(settings_of(data_dir=data_dir), what))


@tokens.command("order")
def token_order(
    order_id: Annotated[str, typer.Argument(help="ord_…")],
    hours: Annotated[int, typer.Option(help="How long it is good.", min=1, max=8760)] = 168,
    data_dir: DataDir = None,
) -> None:
    """Make an access token of one order: a guest's link to it."""
    from app.cli.tokens import run_order

    run(run_order(settings_of(data_dir=data_dir), order_id, hours))


@tokens.command("jwt")
def token_jwt(
    customer: Annotated[str, typer.Argument(help="The customerId.")],
    scope: Scopes = [],  # noqa: B006 - typer copies it
    minutes: Annotated[int, typer.Option(help="How long it is good.", min=1, max=1440)] = 60,
    data_dir: DataDir = None,
) -> None:
    """Sign a JWT with ORDERPULSE_JWT_KEY, to try things out. Not in production."""
    from app.cli.tokens import run_jwt

    run(run_jwt(settings_of(data_dir=data_dir), customer, _scopes(scope), minutes))


def _scopes(names: list[str]) -> tuple[Scope, ...]:
    from app.cli.tokens import scopes_of
    from app.settings import SettingsError

    try:
        return scopes_of(names)
    except SettingsError as error:
        fail(str(error))


def _seeds(text: str) -> list[int]:
    first, dots, last = text.partition("..")
    if not first.isdecimal() or not (last or first).isdecimal() or (dots and int(last or first) < int(first)):
        fail("--seed takes a number, or two as in 1..20.")
    return list(range(int(first), int(last or first) + 1))


def _simulated(text: str) -> list[str]:
    known = [SANDBOX, *simulator_names()]
    names = known if text == "all" else [name.strip() for name in text.split(",")]
    for name in names:
        if name not in known:
            fail(f"There is no simulator of {name!r}. There is: {', '.join(known)}.")
    return names


server_commands.add_to(cli)
tool_commands.add_to(cli)


def main() -> None:
    """Run the command line."""
    start(cli)
