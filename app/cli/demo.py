"""`orderpulse demo`: database, schema, catalogue, simulated gateways and server in one, and a box that says where."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
import time
import webbrowser
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx2
from rich.console import Console

from app.cli.auditing import audit_newest
from app.cli.databases import migrate_if_ours, open_database
from app.cli.demo_box import Places, demo_box, phone_url
from app.cli.keys import local_keys
from app.cli.output import CommandError
from app.cli.ports import listen, reachable
from app.cli.running import LOG_NAME, Reachable, Running, announced
from app.cli.serving import serving, told_to_stop
from app.cli.simulating import Simulated, simulated_together
from app.cli.traffic import background
from app.domain.money import Money
from app.logs import configure_logs
from app.main import Wiring
from app.settings import in_ci, load_settings
from app.simulators import SANDBOX, simulator_names
from app.simulators.kit.client import ControlClient
from app.simulators.sandbox import SandboxConfig
from app.simulators.sandbox import serving as serving_sandbox
from app.tls import trusted
from app.web.demo_products import DEMO_PRODUCTS
from db.pool import Database
from db.statistics import count_rows

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from app.cli.databases import OpenDatabase
    from app.cli.keys import Keys
    from app.settings import Settings
    from app.web.demo_products import DemoProduct

DISK_BYTES_MIN: Final = 200 * 1024 * 1024
"""What a new database and its log take up, and some orders."""
GRACE_SECONDS: Final = 0.5
"""How long requests, and then owed work, may go on at the end: a demo stops within two seconds."""
AUDIT_SECONDS_MAX: Final = 0.7
"""How long the end may wait for the audit."""
_UPSERT: Final = """
mutation ($input: ProductUpsertInput!) { productUpsert(input: $input) { product { id } errors { message } } }
"""
_ORDER: Final = """
mutation ($input: OrderCreateInput!) { orderCreate(input: $input) { accessToken errors { message } } }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What the command line says. `traffic` is shoppers a second."""

    open_browser: bool
    reset: bool
    port_given: bool
    traffic: float | None = None
    chaos: bool = False


async def run_demo(given: Settings, options: DemoOptions) -> int:
    """Run everything until a signal comes, then say what was done."""
    console = Console()
    _check_folder(given)
    log_path = given.log_path or given.data_dir / LOG_NAME
    # Under chaos there is no end of calls that fail; the file has them all.
    _log(log_path, "error" if options.chaos else "warning")
    listener = listen(given.host, given.port, or_any=not options.port_given)
    url = f"http://{reachable(given.host)}:{listener.getsockname()[1]}"
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
            grace_seconds=GRACE_SECONDS,
        )
        control = await stack.enter_async_context(ControlClient(sandbox_url, keys.sandbox_secret_key))
        gateways = [Simulated(SANDBOX, sandbox_url, {}, control), *simulators]
        stack.enter_context(announced(given.data_dir, _running(url, log_path, gateways)))
        started = time.time()
        async with serving(wiring, listener) as server:
            with _step(console, "Filling the catalogue"):
                token, has_console = await _seed(url, keys)
            places = Places(
                url=url,
                token=token,
                has_console=has_console,
                gateways=gateways,
                phone_url=phone_url(given.host, listener.getsockname()[1]),
            )
            console.print(demo_box(places, keys, settings, database, draws=console.is_terminal))
            if options.traffic or options.chaos:
                console.print(_going_on(options), highlight=False)
            _open(f"{url}/", options)
            async with background(
                url, keys.staff_key, gateways, traffic=options.traffic, chaos=options.chaos
            ):
                await told_to_stop(server)
            # What is cut short now would complain at length.
            _log(log_path, "critical")
        console.print(await _summary(database, started), highlight=False, soft_wrap=True)
    return 0


def _log(path: Path, level: str) -> None:
    """Log to the terminal from this level on, and nearly everything to the file."""
    configure_logs(level=level, as_json=False, file=path, file_level="info")


def _check_folder(settings: Settings) -> None:
    """Find out before anything is started whether there is room for the database."""
    if settings.database_url is not None:
        return
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    free = shutil.disk_usage(settings.data_dir).free
    if free < DISK_BYTES_MIN:
        raise CommandError(
            f"Only {free // 1024**2} MiB are free at {settings.data_dir}.",
            to_do=f"Free {DISK_BYTES_MIN // 1024**2} MiB, or choose another disk: --data-dir DIR.",
        )


def _running(url: str, log_path: Path, gateways: Sequence[Simulated]) -> Running:
    return Running(
        pid=os.getpid(),
        url=url,
        log=str(log_path.resolve()),
        gateways={
            each.name: Reachable(url=each.url, control_key=each.control.control_key) for each in gateways
        },
    )


def _going_on(options: DemoOptions) -> str:
    parts = []
    if options.traffic:
        parts.append(f"{options.traffic:g} shoppers a second order, pay, are declined, get money back")
    if options.chaos:
        parts.append("the gateways' webhooks come twice, late, shuffled or never, and calls fail")
    return f"[yellow]Meanwhile[/yellow] {'; '.join(parts)}."


@contextlib.contextmanager
def _step(console: Console, what: str) -> Iterator[None]:
    started = time.monotonic()
    with console.status(f"{what} …"):
        yield
    console.print(f"[green]✓[/green] {what} [dim]({time.monotonic() - started:.1f} s)[/dim]", highlight=False)


def _beside(settings: Settings, listener: socket.socket) -> int:
    """Return the port after the server's, where it is free: then links to the sandbox outlive a restart."""
    port = listener.getsockname()[1] + 1
    with contextlib.closing(listen(reachable(settings.host), port, or_any=True)) as trial:
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


async def _seed(url: str, keys: Keys) -> tuple[str, bool]:
    """Fill the catalogue and place one order, by the public API.

    Return the order's access token, and whether there is a console.
    """
    async with httpx2.AsyncClient(
        base_url=url,
        headers={"authorization": f"Bearer {keys.staff_key}"},
        timeout=10,
        trust_env=False,
        verify=trusted(),
    ) as client:
        for product in DEMO_PRODUCTS:
            await _ask(client, _UPSERT, {"input": _product(product)})
        sku = DEMO_PRODUCTS[0].sku
        order = {"lines": [{"sku": sku, "quantity": 1}], "idempotencyKey": f"demo-{time.time_ns()}"}
        answer = await _ask(client, _ORDER, {"input": order})
        shown = await client.get("/console")
    token: str = answer["orderCreate"]["accessToken"]
    return token, shown.is_success


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


def _open(url: str, options: DemoOptions) -> None:
    """Open a browser, where somebody sits in front of it."""
    if options.open_browser and sys.stdout.isatty() and not in_ci():
        asyncio.get_running_loop().run_in_executor(None, webbrowser.open, url)


async def _summary(database: OpenDatabase, started: float) -> str:
    """Say what was done, and whether all of it adds up: by the audit, of what there is time for."""
    async with Database(database.dsn) as pool:
        orders, payments, deliveries = await count_rows(pool, since=started)
        rows, violations, whole = await audit_newest(pool, orders + 1, AUDIT_SECONDS_MAX)
    verdict = (
        f"[red]{violations} violations: orderpulse audit names them[/red]" if violations else "all consistent"
    )
    looked_at = f"{rows:,} rows audited" if whole else f"{rows:,} rows audited, the rest by: orderpulse audit"
    return (
        f"Stopped. This run: {_count(orders, 'order')}, {_count(payments, 'payment')} succeeded, "
        f"{_count(deliveries, 'webhook')} settled; {verdict} ({looked_at})."
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
