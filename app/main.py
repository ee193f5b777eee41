"""The composition root: settings become a running application. The only file that knows every part."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Self

from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute

from app.auth import Authenticator, FixedKeys, JwtVerifier, KeySetUrl
from app.checkout import Catalog, Ordering, Paying, Suspense
from app.edge import Edge
from app.edge_setup import (
    addresses_of,
    docs_url_of,
    documents_of,
    hosts_of,
    is_encrypted,
    rates_of,
    strikes_of,
)
from app.gateway_setup import gateways_of, reveal
from app.health import Readiness, health_routes
from app.integrity import Auditor
from app.live import LiveHub
from app.metrics import Metrics, PushTimes
from app.rates import OpenStreams
from app.reconcile import Pace, Replay, handlers, owe_backfills
from app.relay import LineBackend, RedisLine, Relay
from app.roles import Role
from app.settings import Mode, SettingsError
from app.settle import Settler
from app.staff import Replays
from app.tracking import Tracking
from app.views import Views
from app.web.assets import Assets
from app.web.routes import error_pages, pages
from app.webhooks import WebhookEndpoint
from app.worker import Worker, WorkerLimits, watch_worker
from db.credentials import CredentialStore
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
    from app.sockets import Sockets

log = logging.getLogger(__name__)

_NAMESPACE: Final = "orderpulse"
"""Of the notifications' channel: one deployment a database."""
WORKER_CONNECTIONS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What everything is made from.

    `readiness` is told by whoever stops the process, before it does. `grace_seconds` is how long requests, and after
    them owed work, may go on when the process is to end. `demo_key` is shown to everybody who opens the IDE or the
    console, and `simulators`, addresses by gateway, to everybody in the shop: for demos alone.
    """

    settings: Settings
    dsn: str
    secret_key: str
    demo_key: str | None = None
    simulators: Mapping[str, str] | None = None
    grace_seconds: float = 10.0
    readiness: Readiness = field(default_factory=Readiness)

    def __post_init__(self) -> None:
        """Refuse to show everybody a key where there is something to lose."""
        if self.demo_key is not None and self.settings.mode is Mode.PRODUCTION:
            raise SettingsError("In production nobody is let in without credentials: there is no demo.")


def create_app(wiring: Wiring, sockets: Sockets) -> Edge:
    """Return the application of the process's role; its parts start and stop with its lifespan."""
    settings = wiring.settings
    parts = Parts(wiring)
    _watch_sockets(parts.metrics, sockets)
    assets = Assets.load()

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with parts:
            wiring.readiness.takes_work = True
            gateways = [gateway.name for gateway in parts.gateways]
            log.info("server.ready", extra={"role": settings.role.value, "gateways": gateways})
            yield
            wiring.readiness.takes_work = False

    application = Starlette(
        routes=_routes(parts, assets),
        lifespan=lifespan,
        exception_handlers=dict[Any, Any](
            error_pages(
                assets=assets,
                test_mode=settings.sandbox_url is not None,
                storefront=settings.mode is Mode.DEVELOPMENT,
            )
        ),
    )
    addresses = addresses_of(settings)
    webhooks = WebhookEndpoint(
        parts.gateways, parts.settler, parts.metrics, addresses=addresses, strikes=strikes_of(settings)
    )
    return Edge(
        application,
        webhooks if settings.role in (Role.ALL, Role.WEBHOOKS) else None,
        addresses=addresses,
        rates=parts.rates,
        hosts=hosts_of(settings),
        encrypted=is_encrypted(settings),
        docs_url=docs_url_of(settings),
    )


class Parts:
    """What a process consists of, whatever its role: put together here, running inside `async with`."""

    def __init__(self, wiring: Wiring) -> None:
        settings = wiring.settings
        self.wiring = wiring
        self.metrics = Metrics()
        self.database = Database(wiring.dsn)
        self.gateways = gateways_of(settings)
        self.authenticator = Authenticator(
            staff_keys=reveal(settings.staff_keys),
            secret=wiring.secret_key,
            store=CredentialStore(self.database),
            jwt=_jwt_verifier(settings),
        )
        self.pushes = PushTimes(self.metrics)
        self.hub = LiveHub(OrderReader(self.database))
        self.relay = Relay(_broker(wiring), self.hub, namespace=_NAMESPACE)
        self.settler = Settler(
            wiring.dsn, on_commit=self._on_commit, on_doubt=self._on_doubt, on_owed=self._on_owed
        )
        self.rates = rates_of(settings)
        self.event_streams = OpenStreams()
        self.views = Views(self.database, self.authenticator, self.gateways)
        self.auditor = Auditor(self.database, figures=self.metrics)
        self._work = Work(wiring, self.settler, self.gateways)
        self._running = contextlib.AsyncExitStack()
        _watch(self)
        if settings.does_owed_work:
            watch_worker(self.metrics, self._work.worker.figures)

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self.gateways.aclose)
            stack.push_async_callback(self.authenticator.aclose)
            stack.push_async_callback(self.rates.aclose)
            for part in (self.database, self.hub, self.relay, self.settler):
                await stack.enter_async_context(part)
            if self.wiring.settings.role in (Role.ALL, Role.WORKER):
                await stack.enter_async_context(self.auditor)
            if self.wiring.settings.does_owed_work:
                await stack.enter_async_context(self._work)
            self._running = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._running.aclose()

    def _on_commit(self, changes: Sequence[OrderChange]) -> None:
        self.pushes.committed(changes)
        self.hub.publish(changes)
        self.relay.announce(changes)

    def _on_doubt(self, versions: Sequence[tuple[UUID, int]]) -> None:
        self.hub.heard(versions)
        self.relay.announce_versions(versions)

    def _on_owed(self) -> None:
        self._work.ring()


def _routes(parts: Parts, assets: Assets) -> list[BaseRoute]:
    """Return what the process's role serves. Event streams come by HTTP, so a live server has that, too."""
    settings = parts.wiring.settings
    role = settings.role
    development = settings.mode is Mode.DEVELOPMENT
    routes = health_routes(
        readiness=parts.wiring.readiness,
        database=parts.database,
        relay=parts.relay,
        metrics=parts.metrics,
        authenticator=parts.authenticator,
        open_metrics=development,
    )
    if role in (Role.WEBHOOKS, Role.WORKER):
        return routes
    graphql = graphql_app(
        _services(parts),
        documents=documents_of(settings),
        allowed_origins=settings.allowed_origins,
        introspection=development,
        queries_by_get=settings.queries_by_get,
        event_streams=role is not Role.API,
        ide=development and role is not Role.LIVE,
        docs_url=docs_url_of(settings),
        on_frame=parts.pushes.written,
    )
    routes.append(Route("/graphql", graphql))
    if role is not Role.API:
        routes.append(WebSocketRoute("/graphql", graphql))
    routes += pages(
        assets=assets,
        load_order=Tracking(parts.views).load,
        test_mode=settings.sandbox_url is not None,
        storefront=development and role is not Role.LIVE,
        console=settings.console and role is not Role.LIVE,
        ide=development and role is not Role.LIVE,
        demo_key=parts.wiring.demo_key,
        simulators=parts.wiring.simulators,
    )
    return routes


def _services(parts: Parts) -> Services:
    database, settler, authenticator = parts.database, parts.settler, parts.authenticator
    paying = Paying(
        database=database,
        settler=settler,
        gateways=parts.gateways,
        return_origins=_return_origins(parts.wiring.settings),
    )
    ordering = Ordering(
        database=database, settler=settler, authenticator=authenticator, give_up_payments=paying.give_up_all
    )
    return Services(
        views=parts.views,
        catalog=Catalog(database),
        ordering=ordering,
        paying=paying,
        suspense=Suspense(database=database, settler=settler),
        hub=parts.hub,
        authenticator=authenticator,
        metrics=parts.metrics,
        auditor=parts.auditor,
        replays=Replays(database),
        rates=parts.rates,
        event_streams=parts.event_streams,
    )


class Work:
    """The worker and what it stands on, with connections of its own: owed work must not keep a shopper waiting."""

    def __init__(self, wiring: Wiring, settler: Settler, gateways: GatewayRegistry) -> None:
        database = Database(wiring.dsn, size=WORKER_CONNECTIONS)
        pace = Pace(database)
        replay = Replay(database, settler, gateways)
        usual = WorkerLimits()
        self.worker = Worker(
            database=database,
            handlers=handlers(
                database=database, settler=settler, gateways=gateways, pace=pace, replay=replay
            ),
            gateways=[gateway.name for gateway in gateways],
            prepare=lambda: owe_backfills(database, gateways),
            limits=replace(
                usual,
                lease_seconds=wiring.settings.worker_lease_seconds,
                stop_seconds_max=min(usual.stop_seconds_max, wiring.grace_seconds),
            ),
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


def _broker(wiring: Wiring) -> str | LineBackend:
    if wiring.settings.broker_url is None:
        return LineBackend(lambda: NotificationLine.open(wiring.dsn), namespace=_NAMESPACE)
    url = wiring.settings.broker_url.get_secret_value()
    if RedisLine.leads_to(url):
        return LineBackend(lambda: RedisLine.open(url), namespace=_NAMESPACE)
    return url


def _jwt_verifier(settings: Settings) -> JwtVerifier | None:
    if settings.jwt_jwks_url is not None:
        return JwtVerifier(settings.jwt_rules(), KeySetUrl(settings.jwt_jwks_url))
    keys = settings.jwt_keys()
    return JwtVerifier(settings.jwt_rules(), FixedKeys(keys)) if keys else None


def _return_origins(settings: Settings) -> frozenset[str]:
    """Return where shoppers may be sent back to: nowhere else in production, anywhere while developing."""
    own = (settings.public_url.rstrip("/"),) if settings.public_url else ()
    return frozenset((*own, *settings.return_origins)) if settings.mode is Mode.PRODUCTION else frozenset()


def _watch_sockets(metrics: Metrics, sockets: Sockets) -> None:
    metrics.watch("sockets", "Websockets that are open.", lambda: float(sockets.number))
    metrics.watch("sockets_refused", "Websockets turned away, there being too many.", lambda: sockets.refused)
    metrics.watch("sockets_shed", "Websockets given up that gave no sign of life.", lambda: sockets.shed)


def _watch(parts: Parts) -> None:
    metrics, hub, rates, figures = parts.metrics, parts.hub, parts.rates, parts.settler.figures
    streams = parts.event_streams
    metrics.watch("event_streams", "Event streams that are open.", lambda: streams.number)
    metrics.watch(
        "event_streams_refused", "Event streams turned away, there being too many.", lambda: streams.refused
    )
    metrics.watch("subscriptions", "Subscriptions that are open.", lambda: hub.watchers)
    metrics.watch("orders_watched", "Orders that somebody watches.", lambda: hub.orders_watched)
    metrics.watch(
        "catch_up_reads", "Reads of the log for readers that were behind.", lambda: hub.catch_up_reads
    )
    metrics.watch(
        "broker_connected", "Whether other processes are heard.", lambda: float(parts.relay.connected)
    )
    metrics.watch("settle_waiting", "Submissions that wait for their batch.", figures.waiting)
    metrics.watch("settle_batches", "Batches committed.", lambda: figures.batches)
    metrics.watch("settle_submissions", "Submissions settled.", lambda: figures.settled)
    metrics.watch("settle_retries", "Submissions tried again.", lambda: figures.retried)
    metrics.watch("settle_poison", "Submissions that broke their batch.", lambda: figures.failed)
    metrics.watch("settle_largest_batch", "The largest batch so far.", lambda: figures.largest_batch)
    metrics.watch("rate_limited", "Times that a caller was told to come later.", lambda: float(rates.refused))
