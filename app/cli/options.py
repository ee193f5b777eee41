"""The options that commands share, and how those run that talk to a server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from app.cli.output import CommandError, Format
from app.cli.run import guarded, run
from app.domain.states import GatewayName
from app.error_catalog import ExitCode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from app.cli.remote import Remote
    from app.settings import Settings

SERVER_EPILOG: Final = (
    "The server is that of --url or ORDERPULSE_URL, else the one that runs on this machine. The key is that of --key "
    "or ORDERPULSE_KEY; a demo's own is found by itself."
)

Url = Annotated[
    str | None, typer.Option(help="The server.", show_default="ORDERPULSE_URL, or this machine's")
]
Key = Annotated[
    str | None, typer.Option(help="A staff key or API key.", show_default="ORDERPULSE_KEY, or this machine's")
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the embedded database and the keys.", show_default="~/.local/share/orderpulse"
    ),
]
AsFormat = Annotated[
    Format,
    typer.Option("--format", help="For people, or JSON: one document, or a line for each of a stream."),
]
Since = Annotated[str | None, typer.Option(help="15m, 2h, 3d ago, or an ISO 8601 time.")]
Gateway = Annotated[str | None, typer.Option(help=f"One of {', '.join(GatewayName)}.")]


def known(names: Iterable[str]) -> Callable[[str], list[str]]:
    """Return what completes a word of a list, for the shell."""
    words = list(names)
    return lambda incomplete: [name for name in words if name.startswith(incomplete)]


def chosen(given: list[str], names: Iterable[str], what: str) -> list[str]:
    """Return what was chosen in capitals, each of it known; commas part as repeated options do."""
    words = [word.strip().upper() for text in given for word in text.split(",") if word.strip()]
    choice = list(names)
    for word in words:
        if word not in choice:
            raise CommandError(
                f"There is no {what} {word!r}.", ExitCode.USAGE, f"One of {', '.join(choice)}."
            )
    return words


def gateway_of(given: str | None) -> str | None:
    """Return the gateway's name; there must be such a gateway."""
    return chosen([given], [name.upper() for name in GatewayName], "gateway")[0].lower() if given else None


def at_server(
    settings: Settings, url: str | None, key: str | None, work: Callable[[Remote], Awaitable[ExitCode]]
) -> NoReturn:
    """Run a command that asks a server, to its exit code."""
    from app.cli.remote import Remote, place_of

    async def ask() -> int:
        async with Remote(place_of(settings, url, key)) as remote:
            return await work(remote)

    run(ask())


def here(work: Callable[[], object]) -> None:
    """Do what needs no server."""

    def done() -> int:
        work()
        return ExitCode.OK

    code = guarded(done)
    if code:
        raise typer.Exit(code)
