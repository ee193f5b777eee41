"""Where owed work is done in tests: the database, settle, a sandbox gateway over real HTTP, and workers at will."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from app.domain.changes import Report
from app.domain.states import EventSource, GatewayName, LatePaymentPolicy, OrderStatus
from app.gateway_calls import canceled
from app.gateways import CreateRequest, GatewayRegistry
from app.gateways.polling import PollSchedule, PollSteps
from app.gateways.sandbox import SandboxSettings, build
from app.reconcile import Pace, Replay, handlers
from app.settle import Command, Settler
from app.worker import Worker, WorkerLimits
from db import jobs, reads
from tests.making import Opened, an_order, opened_payment
from tests.simulators.sandbox_world import SECRET_KEY, WEBHOOK_SECRET, Sandbox, sandbox_serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from contextlib import AbstractAsyncContextManager
    from uuid import UUID

    from app.domain.facts import Fact
    from app.domain.order import Order, OrderChange, Payment
    from app.domain.states import JobKind
    from app.gateways import GatewayAnswer
    from app.gateways.sandbox import SandboxGateway
    from app.reconcile import Handlers
    from db.pool import Database

DEADLINE_SECONDS: Final = 20.0
POLL_SECONDS: Final = 0.02
QUICK: Final = WorkerLimits(look_every_seconds=0.05, backoff_first_seconds=60.0, away_seconds=60.0)
"""Looks often; what goes wrong comes again long after the test."""


@dataclass
class Backroom:
    """Everything that owed work needs."""

    database: Database
    settler: Settler
    sandbox: Sandbox
    gateway: SandboxGateway
    gateways: GatewayRegistry
    pace: Pace
    replay: Replay
    handlers: Handlers
    changes: list[OrderChange] = field(default_factory=list)

    def worker(self, limits: WorkerLimits = QUICK) -> Worker:
        """Return a worker; it starts with `async with`."""
        return Worker(
            database=self.database,
            handlers=self.handlers,
            gateways=[GatewayName.SANDBOX],
            limits=limits,
            dice=lambda: 1.0,
        )

    async def work(self, limits: WorkerLimits = QUICK) -> Worker:
        """Have everything done that is due, and return the worker that did it."""
        worker = self.worker(limits)
        async with worker, asyncio.timeout(DEADLINE_SECONDS):
            while await self._busy():  # noqa: ASYNC110 - what others do raises no event here
                await asyncio.sleep(POLL_SECONDS)
        return worker

    async def _busy(self) -> bool:
        rows = await self.database.fetch(
            """SELECT 1 FROM jobs j LEFT JOIN gateway_states g ON g.gateway = j.gateway
                WHERE died_at IS NULL AND (lease_id IS NOT NULL OR due_at <= clock_timestamp())
                  AND (g.rests_until IS NULL OR g.rests_until <= clock_timestamp())"""
        )
        return bool(rows)

    async def open(
        self,
        *,
        policy: LatePaymentPolicy = LatePaymentPolicy.REFUND,
        at_gateway: bool = True,
        told: bool = True,
        expired: bool = False,
        **more: Any,  # noqa: ANN401 - fields of the gateway's request
    ) -> Opened:
        """Open a payment here, at the gateway, and tell us what it answered."""
        order = an_order(policy=policy)
        if expired:
            order = replace(order, expires_at=datetime.now(UTC) - timedelta(seconds=1))
        opened = await opened_payment(self.database, self.settler, order)
        if at_gateway:
            answer = await self.create(opened.payment, **more)
            if told:
                await self.tell(opened.payment, answer.facts, answer.reference)
        return replace(opened, payment=await self.payment(opened))

    async def create(self, payment: Payment, **more: Any) -> GatewayAnswer:  # noqa: ANN401 - as above
        """Open a payment at the gateway."""
        request = CreateRequest(
            payment_id=payment.id,
            order_id=payment.order_id,
            order_number="A-1",
            amount=payment.amount,
            capture_method=more.pop("capture_method", payment.capture_method),
            method=None,
            return_url=None,
            customer_email=None,
            idempotency_key=f"{payment.id}:create",
        )
        return await self.gateway.create(request)

    async def tell(self, payment: Payment, facts: Iterable[Fact], reference: str | None) -> None:
        """Settle what a gateway answered."""
        concluded = canceled(payment) in facts
        report = Report(
            payment_id=payment.id,
            source=EventSource.API,
            facts=tuple(facts),
            reference=reference,
            concluded=concluded,
        )
        await self.settler.submit(Command(order_id=payment.order_id, change=report))

    async def pay(self, opened: Opened, card: str = "4242424242424242") -> dict[str, Any]:
        """Pay at the gateway, of which nothing comes here, and return the payment there."""
        found = await self.at_gateway(opened)
        answer = await self.sandbox.pay(found, card)
        paid: dict[str, Any] = answer.json()
        return paid

    async def at_gateway(self, opened: Opened) -> dict[str, Any]:
        """Return the payment as the gateway has it."""
        listed = await self.sandbox.get("/v1/payments", metadata_payment_id=str(opened.payment.id))
        (found,) = listed["data"]
        payment: dict[str, Any] = found
        return payment

    async def order(self, opened: Opened) -> Order:
        """Return the order as it is here."""
        return (await reads.orders(self.database, [opened.order.id]))[opened.order.id]

    async def payment(self, opened: Opened) -> Payment:
        """Return the payment as it is here."""
        return (await reads.payments(self.database, [opened.payment.id]))[opened.payment.id]

    async def status(self, opened: Opened) -> tuple[str, str, str]:
        """Return the order's status, its payment status and the payment's status."""
        order, payment = await self.order(opened), await self.payment(opened)
        return order.status, order.payment_status, payment.status

    async def timeline(self, opened: Opened) -> list[tuple[str, str]]:
        """Return type and source of the order's events after the first two."""
        rows = await self.database.fetch(
            "SELECT type, source FROM order_events WHERE order_id = $1 AND version > 2 ORDER BY version",
            opened.order.id,
        )
        return [(row["type"], row["source"]) for row in rows]

    async def make_due(self, *kinds: JobKind, subject: UUID | None = None) -> None:
        """Have jobs come due now."""
        await self.database.fetch(
            """UPDATE jobs SET due_at = statement_timestamp()
                WHERE kind = ANY($1::text[]) AND lease_id IS NULL AND ($2::uuid IS NULL OR subject_id = $2)""",
            list(kinds),
            subject,
        )

    async def jobs(self) -> list[tuple[str, int, bool]]:
        """Return kind, tries and whether it is dead of each job."""
        rows = await self.database.fetch(
            "SELECT kind, attempts, died_at IS NOT NULL AS dead FROM jobs ORDER BY kind, subject_id"
        )
        return [(row["kind"], row["attempts"], row["dead"]) for row in rows]

    async def job(self, kind: JobKind) -> dict[str, Any]:
        """Return the row of the only job of a kind, with the seconds until it is due."""
        rows = await self.database.fetch(
            """SELECT *, extract(epoch FROM due_at - statement_timestamp())::float8 AS due_in_seconds
                 FROM jobs WHERE kind = $1""",
            kind,
        )
        (row,) = rows
        return dict(row)

    async def job_times(self) -> list[datetime]:
        """Return when jobs are due, the first first."""
        rows = await self.database.fetch("SELECT due_at FROM jobs ORDER BY due_at")
        return [row["due_at"] for row in rows]

    async def expire(self, opened: Opened) -> None:
        """Let the order's time run out at once."""
        await self.database.fetch(
            "UPDATE orders SET expires_at = statement_timestamp() - interval '1 s' WHERE id = $1 AND status = $2",
            opened.order.id,
            OrderStatus.PENDING,
        )

    async def aged(self, opened: Opened, seconds: float) -> None:
        """Let a payment have been opened that long ago."""
        await self.database.fetch(
            "UPDATE payments SET created_at = statement_timestamp() - $2::interval WHERE id = $1",
            opened.payment.id,
            timedelta(seconds=seconds),
        )


@asynccontextmanager
async def open_backroom(
    database: Database,
    webhook_url: str | None = None,
    polling: PollSchedule | None = None,
    timeout_seconds: float = 1.0,
    sandbox_served: AbstractAsyncContextManager[Sandbox] | None = None,
) -> AsyncIterator[Backroom]:
    """Set everything up; no webhook goes anywhere unless told where."""
    changes: list[OrderChange] = []
    async with (
        Settler(database.dsn, on_commit=changes.extend, on_doubt=lambda _: None) as settler,
        sandbox_served or sandbox_serving(webhook_url) as sandbox,
        Pace(database) as pace,
    ):
        gateway = build(
            SandboxSettings(
                api_base=sandbox.url,
                secret_key=SECRET_KEY,
                webhook_secrets=(WEBHOOK_SECRET,),
                timeout_seconds=timeout_seconds,
            )
        )
        if polling is not None:
            gateway.polling = polling
        gateways = GatewayRegistry([gateway])
        replay = Replay(database, settler, gateways)
        given = handlers(database=database, settler=settler, gateways=gateways, pace=pace, replay=replay)
        yield Backroom(database, settler, sandbox, gateway, gateways, pace, replay, given, changes)
        await gateways.aclose()


def a_schedule(calls_per_second_max: float, *offsets_seconds: float) -> PollSchedule:
    """Return a schedule for a test."""
    return PollSchedule(
        steps=PollSteps(offsets_seconds=offsets_seconds or (5.0, 60.0)),
        calls_per_second_max=calls_per_second_max,
        backfill_every_seconds=30.0,
    )


async def owed_kinds(database: Database) -> dict[str, int]:
    """Count the jobs that are not dead, by kind."""
    rows = await database.fetch("SELECT kind, count(*) FROM jobs WHERE died_at IS NULL GROUP BY kind")
    return {row["kind"]: row["count"] for row in rows}


async def claim_all(database: Database, lease_seconds: float = 60.0, room: int = 10) -> list[jobs.ClaimedJob]:
    """Claim as a worker does that has the sandbox set up."""
    return await jobs.claim(database, {GatewayName.SANDBOX: room}, room, lease_seconds)
