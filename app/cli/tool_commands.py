"""The commands of developers: what a server logs, what can be made to happen, and where events can be sent on to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import SERVER_EPILOG, AsFormat, DataDir, Key, Url, at_server, chosen, here, known
from app.cli.output import CommandError, Format, Output
from app.cli.run import run, settings_of
from app.error_catalog import CATALOG, ExitCode
from app.simulators import SANDBOX

if TYPE_CHECKING:
    from app.cli.remote import Remote

logs = typer.Typer(name="logs", help="What the server of this machine logs.", no_args_is_help=True)


@logs.command("tail")
def logs_tail(
    level: Annotated[
        str, typer.Option(help="The least grave.", autocompletion=known(["info", "warning", "error"]))
    ] = "debug",
    event: Annotated[str, typer.Option(help="An event, or a pattern: 'webhook.*'.")] = "*",
    request: Annotated[str | None, typer.Option(help="One request's, by its id.")] = None,
    last: Annotated[
        int, typer.Option("--last", "-n", help="How many to begin with.", min=0, max=100_000)
    ] = 20,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Go on with those that come.")] = True,
    data_dir: DataDir = None,
    form: AsFormat = Format.TEXT,
) -> None:
    """Show the last structured lines, and those that come until Ctrl-C.

    They come from a file: `orderpulse demo` writes log.jsonl in its data folder, `orderpulse serve` what --log-file or
    ORDERPULSE_LOG_PATH names. At most three files of 10 MB are kept.

    Examples:  orderpulse logs tail --level warning  ·  orderpulse logs tail --event 'webhook.*' --format json
    ·  orderpulse logs tail --request 0193… --no-follow
    """
    from app.cli.logs import Wanted, run_tail

    settings = settings_of(data_dir=data_dir)

    async def work() -> int:
        grave = chosen([level], ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], "level")[0].lower()
        wanted = Wanted(level=grave, event=event, request=request, last=last, follow=follow)
        return await run_tail(settings, Output(form), wanted)

    run(work())


def _events(incomplete: str) -> list[str]:
    from app.cli.triggering import EVENTS

    return known(EVENTS)(incomplete)


def trigger(
    event: Annotated[
        str | None, typer.Argument(help="What is to happen; see --list.", autocompletion=_events)
    ] = None,
    override: Annotated[
        list[str], typer.Option("--override", help="key=value; may be repeated. --list shows the keys.")
    ] = [],  # noqa: B006 - typer copies it
    gateway: Annotated[str, typer.Option(help="A gateway that is simulated.")] = SANDBOX,
    show: Annotated[bool, typer.Option("--list", help="Show what can be triggered.")] = False,
    wait: Annotated[
        float, typer.Option(help="Seconds to wait for it to show in the order.", min=0.1, max=300)
    ] = 20,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
    form: AsFormat = Format.TEXT,
) -> None:
    """Make something really happen: an order, a shopper who pays or not, a refund, a dispute.

    The gateway tells the server of it by real signed webhooks. It has to be a simulated one: of a running
    `orderpulse demo`, or the sandbox of the settings. No real money moves.
    Exit code 7 when the server's order doesn't show it in time.

    Examples:  orderpulse trigger payment.captured  ·  orderpulse trigger refund.succeeded --gateway stripe
    --override amount=120.00 --override currency=USD  ·  orderpulse trigger payment.failed --override order=ord_01ke…
    """
    from app.cli.triggering import EVENTS, Triggering, control_of, list_events, run_trigger

    output = Output(form)
    if show:
        here(lambda: list_events(output))
        return
    settings = settings_of(data_dir=data_dir)

    async def work(remote: Remote) -> ExitCode:
        if event is None or event not in EVENTS:
            named = f"There is no event {event!r}." if event else "No event is named."
            raise CommandError(named, ExitCode.USAGE, "orderpulse trigger --list shows them.")
        asked = Triggering(event=event, gateway=gateway.lower(), overrides=override, wait_seconds=wait)
        return await run_trigger(remote, control_of(settings, asked.gateway), output, asked)

    at_server(settings, url, key, work)


def listen(
    forward_to: Annotated[
        str | None, typer.Option(help="Where events are posted; without it, they are only shown.")
    ] = None,
    events_: Annotated[
        list[str], typer.Option("--events", help="Only these: payment.succeeded,refund.failed.")
    ] = [],  # noqa: B006 - typer copies it
    after: Annotated[
        str | None, typer.Option(help="A cursor to go on behind; without it, from now on.")
    ] = None,
    secret: Annotated[
        str | None, typer.Option(help="whsec_…", show_default="this machine's own, always the same")
    ] = None,
    print_secret: Annotated[bool, typer.Option("--print-secret", help="Only print the secret.")] = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
    form: AsFormat = Format.TEXT,
) -> None:
    """Forward the server's order events live to an address of yours, signed as Standard Webhooks are; until Ctrl-C.

    Each event is posted once, in the order of the commits. What your address answers is shown; it is not sent again.
    A lost connection to the server loses nothing: it goes on behind the last event, and tells the --after at the end.

    Examples:  orderpulse listen --forward-to http://localhost:3000/webhooks
    ·  orderpulse listen --events payment.succeeded --format json
    """
    from app.cli.listening import Listening, check_secret, local_secret, run_listen

    output = Output(form)
    settings = settings_of(data_dir=data_dir)
    if print_secret:
        here(
            lambda: output.document(
                {"secret": local_secret(settings.data_dir)}, local_secret(settings.data_dir)
            )
        )
        return

    async def work(remote: Remote) -> ExitCode:
        if forward_to is not None and not forward_to.startswith(("http://", "https://")):
            raise CommandError(f"{forward_to!r} is no address.", ExitCode.USAGE, "Begin it with http://.")
        types = [name.strip() for text in events_ for name in text.split(",") if name.strip()]
        signs_with = check_secret(secret) if secret else local_secret(settings.data_dir)
        asked = Listening(forward_to=forward_to, types=types, after=after, secret=signs_with)
        return await run_listen(remote, output, asked)

    at_server(settings, url, key, work)


def explain(
    code: Annotated[
        str | None, typer.Argument(help="A code, or nothing for the list.", autocompletion=known(CATALOG))
    ] = None,
    form: AsFormat = Format.TEXT,
) -> None:
    """Say what an error's code means and what to do; without a code, list them. Needs no server.

    Examples:  orderpulse explain PAYMENT_IN_PROGRESS  ·  orderpulse explain 4403  ·  orderpulse explain exit-3
    """
    from app.cli.explaining import explain as explain_one
    from app.cli.explaining import explain_all

    output = Output(form)
    here(lambda: explain_one(output, code) if code else explain_all(output))


def add_to(cli: typer.Typer) -> None:
    """Hang these commands in."""
    cli.add_typer(logs)
    for command in (trigger, listen):
        cli.command(epilog=SERVER_EPILOG)(command)
    cli.command()(explain)
