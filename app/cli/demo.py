"""`orderpulse demo`: database, schema, catalogue, simulated gateways and server in one, and a box that says where."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
import webbrowser
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx2
from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from app.cli.databases import migrate_if_ours, open_database
from app.cli.keys import local_keys
from app.cli.serving import listen, serving
from app.cli.simulating import simulated_together
from app.domain.money import Money
from app.logs import configure_logs
from app.main import Wiring
from app.settings import in_ci, load_settings
from app.simulators import simulator_names
from app.simulators.sandbox import SandboxConfig
from app.simulators.sandbox import serving as serving_sandbox
from app.web.demo_products import DEMO_PRODUCTS
from db.pool import Database
from db.statistics import count_rows

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Sequence

    from app.cli.databases import OpenDatabase
    from app.cli.keys import Keys
    from app.cli.simulating import Simulated
    from app.settings import Settings
    from app.web.demo_products import DemoProduct

TEST_CARDS: Final = (
    ("4242 4242 4242 4242", "succeeds"),
    ("4000 0000 0000 0002", "is declined"),
    ("4000 0000 0000 9995", "has insufficient funds"),
    ("4000 0025 0000 3155", "asks for 3-D Secure"),
    ("4000 0000 0000 7726", "refund fails later"),
    ("4000 0000 0000 0259", "is disputed"),
)

_UPSERT: Final = """
mutation ($input: ProductUpsertInput!) { productUpsert(input: $input) { product { id } errors { message } } }
"""
_ORDER: Final = """
mutation ($input: OrderCreateInput!) { orderCreate(input: $input) { accessToken errors { message } } }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What the command line says."""

    open_browser: bool
    reset: bool
    port_given: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """Where everything is."""

    shop: str
    track: str
    graphiql: str
    sandbox: str
    simulators: tuple[str, ...]


async def run_demo(given: Settings, options: DemoOptions) -> int:
    """Run everything until a signal comes, then say what was done."""
    console = Console()
    configure_logs(level="warning", as_json=False)
    listener = listen(given.host, given.port, or_any=not options.port_given)
    url = f"http://{_reachable(given.host)}:{listener.getsockname()[1]}"
    if options.reset:
        _forget(given)
    keys = local_keys(given.data_dir)
    # The simulators get ready while the database starts, which is mostly waiting.
    async with simulated_together(_not_set_up(given), url) as starting, contextlib.AsyncExitStack() as stack:
        with _step(
            console, "Starting the embedded PostgreSQL" if not given.database_url else "Reaching the database"
        ):
            database = await stack.enter_async_context(open_database(given, reset=options.reset))
        with _step(console, "Bringing the schema up to date"):
            await migrate_if_ours(database)
        with _step(console, "Starting the sandbox gateway"):
            sandbox_url = await stack.enter_async_context(
                serving_sandbox(_sandbox(given, keys, url), port=_beside(given, listener))
            )
        with _step(console, "Starting the simulators of the other gateways"):
            simulators = await starting
        settings = _with_gateways(given, keys, url, sandbox_url, simulators)
        wiring = Wiring(
            settings=settings,
            dsn=database.dsn,
            secret_key=keys.secret_key,
            demo_key=keys.staff_key,
            simulators={each.name.upper(): each.url for each in simulators},
        )
        started = time.time()
        async with serving(wiring, listener):
            with _step(console, "Filling the catalogue"):
                token = await _seed(url, keys)
            places = _Places(
                shop=f"{url}/",
                track=f"{url}/track/{token}",
                graphiql=f"{url}/graphiql",
                sandbox=sandbox_url,
                simulators=tuple(f"{each.url}  {each.name}" for each in simulators),
            )
            console.print(_box(places, keys, settings, database))
            _open(places.shop, options)
        console.print(await _summary(database, started), highlight=False)
    return 0


@contextlib.contextmanager
def _step(console: Console, what: str) -> Iterator[None]:
    started = time.monotonic()
    with console.status(f"{what} …"):
        yield
    console.print(f"[green]✓[/green] {what} [dim]({time.monotonic() - started:.1f} s)[/dim]", highlight=False)


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - what it is compared with


def _beside(settings: Settings, listener: socket.socket) -> int:
    """Return the port after the server's, where it is free: then links to the sandbox outlive a restart."""
    port = listener.getsockname()[1] + 1
    with contextlib.closing(listen(_reachable(settings.host), port, or_any=True)) as trial:
        found: int = trial.getsockname()[1]
        return found


def _forget(settings: Settings) -> None:
    """Drop what the sandbox remembers; the database drops its own."""
    (settings.data_dir / "sandbox.jsonl").unlink(missing_ok=True)


def _sandbox(settings: Settings, keys: Keys, url: str) -> SandboxConfig:
    return SandboxConfig(
        secret_key=keys.sandbox_secret_key,
        webhook_secret=keys.sandbox_webhook_secret,
        webhook_url=f"{url}/webhooks/sandbox",
        log_path=settings.data_dir / "sandbox.jsonl",
    )


def _not_set_up(given: Settings) -> list[str]:
    """Return the real gateways that nothing is set of: those are simulated."""
    return [
        name
        for name in simulator_names()
        if not any(field.startswith(f"{name}_") for field in given.model_fields_set)
    ]


def _with_gateways(
    given: Settings, keys: Keys, url: str, sandbox_url: str, simulators: Sequence[Simulated]
) -> Settings:
    """Return the settings of a server that knows the simulated gateways beside those that are set up here."""
    return load_settings(
        **{
            **given.model_dump(exclude_unset=True),
            **{name: value for each in simulators for name, value in each.settings.items()},
            "public_url": given.public_url or url,
            "staff_keys": [*given.staff_keys, keys.staff_key],
            "sandbox_url": sandbox_url,
            "sandbox_secret_key": keys.sandbox_secret_key,
            "sandbox_webhook_secrets": [keys.sandbox_webhook_secret],
        }
    )


async def _seed(url: str, keys: Keys) -> str:
    """Fill the catalogue and place one order, by the public API, and return the order's access token."""
    async with httpx2.AsyncClient(
        base_url=url, headers={"authorization": f"Bearer {keys.staff_key}"}, timeout=10
    ) as client:
        for product in DEMO_PRODUCTS:
            await _ask(client, _UPSERT, {"input": _product(product)})
        sku = DEMO_PRODUCTS[0].sku
        order = {"lines": [{"sku": sku, "quantity": 1}], "idempotencyKey": f"demo-{time.time_ns()}"}
        answer = await _ask(client, _ORDER, {"input": order})
    token: str = answer["orderCreate"]["accessToken"]
    return token


def _product(product: DemoProduct) -> dict[str, Any]:
    price = Money(product.unit_price_minor, product.currency)
    return {
        "sku": product.sku,
        "name": product.name,
        "unitPrice": {"amount": f"{price.to_decimal():f}", "currency": price.currency},
        "imageUrl": product.image_path,
    }


async def _ask(client: httpx2.AsyncClient, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    response = await client.post("/graphql", json={"query": query, "variables": variables})
    answer: dict[str, Any] = response.json()
    if answer.get("errors") or any(payload["errors"] for payload in answer["data"].values()):
        raise RuntimeError(f"The demo could not be filled: {answer}")
    data: dict[str, Any] = answer["data"]
    return data


def _box(places: _Places, keys: Keys, settings: Settings, database: OpenDatabase) -> Panel:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("Shop", places.shop)
    table.add_row("Track an order", places.track)
    table.add_row("GraphiQL", places.graphiql)
    table.add_row("Sandbox", places.sandbox)
    table.add_row("Simulators", "\n".join(places.simulators))
    table.add_row("Staff key", keys.staff_key)
    table.add_row("Webhook secret", keys.sandbox_webhook_secret)
    cards = "\n".join(f"{number}  {what}" for number, what in TEST_CARDS)
    table.add_row("Test cards", cards + "\n[dim]any later expiry, any CVC[/dim]")
    if database.embedded is not None:
        table.add_row("Database", f"PostgreSQL {database.embedded.version}, embedded")
        table.add_row("Data", f"{settings.data_dir} [dim](--reset drops them)[/dim]")
    else:
        table.add_row("Database", "the one of DATABASE_URL")
    table.add_row("Stop", "Ctrl-C")
    return Panel(table, title="Orderpulse · TEST MODE", box=box.ROUNDED, expand=False, highlight=False)


def _open(url: str, options: DemoOptions) -> None:
    """Open a browser, where somebody sits in front of it."""
    if options.open_browser and sys.stdout.isatty() and not in_ci():
        asyncio.get_running_loop().run_in_executor(None, webbrowser.open, url)


async def _summary(database: OpenDatabase, started: float) -> str:
    async with Database(database.dsn, size=1) as pool:
        orders, payments, deliveries = await count_rows(pool, since=started)
    return (
        f"Stopped. This run: {_count(orders, 'order')}, {_count(payments, 'payment')} succeeded, "
        f"{_count(deliveries, 'webhook')} settled."
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
