"""The composition root: settings become a running application. The only file that knows every part."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute

from app.auth import Authenticator
from app.checkout import Catalog, Ordering, Paying, Suspense
from app.edge import Edge
from app.edge_setup import addresses_of, documents_of, hosts_of, is_encrypted, rates_of, strikes_of
from app.gateway_setup import gateways_of, reveal
from app.health import health_routes
from app.integrity import Auditor
from app.live import LiveHub
from app.metrics import Metrics, PushTimes
from app.reconcile import Pace, Replay, handlers, owe_backfills
from app.relay import PostgresBackend, Relay
from app.settings import Mode
from app.settle import Settler
from app.staff import Replays
from app.tracking import Tracking
from app.views import Views
from app.web.assets import Assets
from app.web.routes import error_pages, pages
from app.webhooks import WebhookEndpoint
from app.worker import Worker, WorkerLimits, watch_worker
from db import orders as store
from db.notifications import NotificationLine
from db.pool import Database
from db.reads import OrderReader
from schema import Services, graphql_app

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from uuid import UUID

    from starlette.routing import BaseRoute

    from app.domain.order import OrderChange
    from app.gateways import GatewayRegistry
    from app.settings import Settings

log = logging.getLogger(__name__)

_NAMESPACE: Final = "orderpulse"
"""Of the notifications' channel: one deployment a database."""
WORKER_CONNECTIONS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What everything is made from.

    `demo_key` is shown to everybody who opens the IDE, and `simulators`, addresses by gateway, to everybody in the
    shop: for demos alone.
    """

    settings: Settings
    dsn: str
    secret_key: str
    demo_key: str | None = None
    simulators: Mapping[str, str] | None = None


def create_app(wiring: Wiring) -> Edge:
    """Return the application; its parts start and stop with its lifespan."""
    settings = wiring.settings
    metrics = Metrics()
    database = Database(wiring.dsn)

    async def find_order(token_hash: bytes) -> UUID | None:
        return await store.order_of_token(database, token_hash)

    authenticator = Authenticator(
        staff_keys=reveal(settings.staff_keys), secret=wiring.secret_key, find_order=find_order
    )
    gateways = gateways_of(settings)
    addresses = addresses_of(settings)
    rates = rates_of(settings)
    pushes = PushTimes(metrics)
    hub = LiveHub(OrderReader(database))
    relay = Relay(_broker(wiring), hub, namespace=_NAMESPACE)

    def on_commit(changes: Sequence[OrderChange]) -> None:
        pushes.committed(changes)
        hub.publish(changes)
        relay.announce(changes)

    def on_owed() -> None:
        work.ring()

    def on_doubt(versions: Sequence[tuple[UUID, int]]) -> None:
        hub.heard(versions)
        relay.announce_versions(versions)

    settler = Settler(wiring.dsn, on_commit=on_commit, on_doubt=on_doubt, on_owed=on_owed)
    work = Work(wiring, settler, gateways)
    paying = Paying(
        database=database,
        settler=settler,
        gateways=gateways,
        return_origins=_return_origins(settings),
    )
    ordering = Ordering(
        database=database, settler=settler, authenticator=authenticator, give_up_payments=paying.give_up_all
    )
    views = Views(database, authenticator, gateways)
    auditor = Auditor(database, figures=metrics)
    services = Services(
        views=views,
        catalog=Catalog(database),
        ordering=ordering,
        paying=paying,
        suspense=Suspense(database=database, settler=settler),
        hub=hub,
        authenticator=authenticator,
        metrics=metrics,
        auditor=auditor,
        replays=Replays(database),
        rates=rates,
    )
    _watch(metrics, hub, relay, settler)
    metrics.watch("rate_limited", "Times that a caller was told to come later.", lambda: float(rates.refused))
    if settings.worker:
        watch_worker(metrics, work.worker.figures)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        worker = work if settings.worker else contextlib.nullcontext()
        async with database, hub, relay, settler, auditor, worker:
            app.state.ready = True
            log.info("server.ready", extra={"gateways": [gateway.name for gateway in gateways]})
            yield
            app.state.ready = False
        await rates.aclose()
        await gateways.aclose()

    assets = Assets.load()
    development = settings.mode is Mode.DEVELOPMENT
    graphql = graphql_app(
        services,
        documents=documents_of(settings),
        allowed_origins=settings.allowed_origins,
        introspection=development,
        ide=development,
        on_frame=pushes.written,
    )
    routes: list[BaseRoute] = [
        *health_routes(
            database=database,
            relay=relay,
            metrics=metrics,
            authenticator=authenticator,
            open_metrics=development,
        ),
        Route("/graphql", graphql),
        WebSocketRoute("/graphql", graphql),
        *pages(
            assets=assets,
            load_order=Tracking(views).load,
            test_mode=settings.sandbox_url is not None,
            storefront=development,
            ide=development,
            ide_headers={"Authorization": f"Bearer {wiring.demo_key}"} if wiring.demo_key else None,
            simulators=wiring.simulators,
        ),
    ]
    application = Starlette(
        routes=routes,
        lifespan=lifespan,
        exception_handlers=dict[Any, Any](
            error_pages(assets=assets, test_mode=settings.sandbox_url is not None, storefront=development)
        ),
    )
    webhooks = WebhookEndpoint(gateways, settler, metrics, addresses=addresses, strikes=strikes_of(settings))
    return Edge(
        application,
        webhooks,
        addresses=addresses,
        rates=rates,
        hosts=hosts_of(settings),
        encrypted=is_encrypted(settings),
    )


class Work:
    """The worker and what it stands on, with connections of its own: owed work must not keep a shopper waiting."""

    def __init__(self, wiring: Wiring, settler: Settler, gateways: GatewayRegistry) -> None:
        database = Database(wiring.dsn, size=WORKER_CONNECTIONS)
        pace = Pace(database)
        replay = Replay(database, settler, gateways)
        self.worker = Worker(
            database=database,
            handlers=handlers(
                database=database, settler=settler, gateways=gateways, pace=pace, replay=replay
            ),
            gateways=[gateway.name for gateway in gateways],
            prepare=lambda: owe_backfills(database, gateways),
            limits=WorkerLimits(lease_seconds=wiring.settings.worker_lease_seconds),
        )
        self.ring = self.worker.ring
        self._parts = (database, pace, self.worker)
        self._running = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        for part in self._parts:
            await self._running.enter_async_context(part)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._running.aclose()


@contextlib.asynccontextmanager
async def working(wiring: Wiring) -> AsyncIterator[None]:
    """Do owed work without serving anybody; what is settled is told to the processes that serve."""
    gateways = gateways_of(wiring.settings)
    hub = LiveHub(OrderReader(Database(wiring.dsn)))  # nobody subscribes here, so it reads nothing
    relay = Relay(_broker(wiring), hub, namespace=_NAMESPACE)

    def on_owed() -> None:
        work.ring()

    settler = Settler(wiring.dsn, on_commit=relay.announce, on_doubt=relay.announce_versions, on_owed=on_owed)
    work = Work(wiring, settler, gateways)
    async with relay, settler, work:
        yield
    await gateways.aclose()


def _broker(wiring: Wiring) -> str | PostgresBackend:
    if wiring.settings.broker_url is not None:
        return wiring.settings.broker_url
    return PostgresBackend(lambda: NotificationLine.open(wiring.dsn), namespace=_NAMESPACE)


def _return_origins(settings: Settings) -> frozenset[str]:
    """Return where shoppers may be sent back to: nowhere else in production, anywhere while developing."""
    own = (settings.public_url.rstrip("/"),) if settings.public_url else ()
    return frozenset((*own, *settings.return_origins)) if settings.mode is Mode.PRODUCTION else frozenset()


def _watch(metrics: Metrics, hub: LiveHub, relay: Relay, settler: Settler) -> None:
    figures = settler.figures
    metrics.watch("subscriptions", "Subscriptions that are open.", lambda: hub.watchers)
    metrics.watch("orders_watched", "Orders that somebody watches.", lambda: hub.orders_watched)
    metrics.watch(
        "catch_up_reads", "Reads of the log for readers that were behind.", lambda: hub.catch_up_reads
    )
    metrics.watch("broker_connected", "Whether other processes are heard.", lambda: float(relay.connected))
    metrics.watch("settle_waiting", "Submissions that wait for their batch.", figures.waiting)
    metrics.watch("settle_batches", "Batches committed.", lambda: figures.batches)
    metrics.watch("settle_submissions", "Submissions settled.", lambda: figures.settled)
    metrics.watch("settle_retries", "Submissions tried again.", lambda: figures.retried)
    metrics.watch("settle_poison", "Submissions that broke their batch.", lambda: figures.failed)
    metrics.watch("settle_largest_batch", "The largest batch so far.", lambda: figures.largest_batch)
