"""The box that `orderpulse demo` prints: where everything is, and what opens it."""

from __future__ import annotations

import io
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import segno
from rich import box
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from app.simulators import SANDBOX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.cli.databases import OpenDatabase
    from app.cli.keys import Keys
    from app.cli.simulating import Simulated
    from app.settings import Settings

TEST_CARDS: Final = (
    ("4242 4242 4242 4242", "succeeds"),
    ("4000 0000 0000 0002", "is declined"),
    ("4000 0000 0000 9995", "has insufficient funds"),
    ("4000 0025 0000 3155", "asks for 3-D Secure"),
    ("4000 0000 0000 7726", "refund fails later"),
    ("4000 0000 0000 0259", "is disputed"),
)

EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - what it is compared with
_AWAY: Final = ("192.0.2.1", 9)
"""An address for documentation (RFC 5737): by which of ours it would be gone to, nothing being sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where everything is. `phone_url` is the server as others in the network reach it, if they do."""

    url: str
    token: str
    has_console: bool
    gateways: Sequence[Simulated]
    phone_url: str | None


def phone_url(host: str, port: int) -> str | None:
    """Return where a phone in the same network finds the server; None when it listens on this machine alone."""
    if host in EVERYWHERE:
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
                trial.connect(_AWAY)
                host = trial.getsockname()[0]
        except OSError:
            return None
    return None if host.startswith("127.") or host in ("localhost", "::1") else f"http://{host}:{port}"


def demo_box(places: Places, keys: Keys, settings: Settings, database: OpenDatabase, *, draws: bool) -> Panel:
    """Return the box; with `draws`, a QR code is drawn where a phone could go to it."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    track = f"/track/{places.token}"
    table.add_row("Shop", f"{places.url}/")
    table.add_row("Track an order", f"{places.url}{track}")
    if places.phone_url is None:
        table.add_row("On a phone", "[dim]start it with --host 0.0.0.0[/dim]")
    else:
        table.add_row("On a phone", f"{places.phone_url}{track}")
        if draws:
            table.add_row("", _qr_code(f"{places.phone_url}{track}"))
    if places.has_console:
        table.add_row("Console", f"{places.url}/console")
    table.add_row("GraphiQL", f"{places.url}/graphiql")
    for each in places.gateways:
        if each.name == SANDBOX:
            table.add_row("Sandbox", each.url)
    simulators = [f"{each.url}  {each.name}" for each in places.gateways if each.name != SANDBOX]
    if simulators:
        table.add_row("Simulators", "\n".join(simulators))
    table.add_row("Staff key", keys.staff_key)
    table.add_row("Webhook secret", keys.sandbox_webhook_secret)
    cards = "\n".join(f"{number}  {what}" for number, what in TEST_CARDS)
    table.add_row("Test cards", cards + "\n[dim]any later expiry, any CVC[/dim]")
    if database.embedded is not None:
        table.add_row("Database", f"PostgreSQL {database.embedded.version}, embedded")
        table.add_row("Data", f"{settings.data_dir} [dim](--reset drops them)[/dim]")
    else:
        table.add_row("Database", "the one of DATABASE_URL")
    table.add_row(
        "Try next", "orderpulse trigger payment.captured\norderpulse events list -f\norderpulse logs tail"
    )
    table.add_row("Stop", "Ctrl-C")
    return Panel(table, title="Orderpulse · TEST MODE", box=box.ROUNDED, expand=False, highlight=False)


def _qr_code(url: str) -> Text:
    drawn = io.StringIO()
    segno.make(url, micro=False).terminal(drawn, compact=True, border=2)
    return Text.from_ansi(drawn.getvalue())
