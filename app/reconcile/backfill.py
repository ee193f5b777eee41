"""What a gateway has recorded and no webhook brought: its list of events, read on from where it was left."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid5

from app.domain.jobs import Job
from app.domain.states import GatewayName, JobKind
from app.gateways import GatewayError
from app.identity import new_id
from app.reconcile.replay import read_again
from app.reconcile.results import Again, Done
from db import gateway_states, jobs, owed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from app.gateways import Gateway, GatewayRegistry, Notification
    from app.reconcile.pace import Pace
    from app.reconcile.results import Result
    from app.settle import Settler
    from db.jobs import ClaimedJob
    from db.pool import Database

OVERLAP_SECONDS: Final = 120.0
"""How much of the list is read twice: events may come to stand in it a little after they happened."""
FIRST_SECONDS: Final = 86_400.0
"""How far back the first reading goes."""
BATCH_MAX: Final = 100
_NAMESPACE: Final = UUID("6f726465-7270-756c-9365-000000000002")


def backfill_id(gateway: GatewayName) -> UUID:
    """Return the subject of a gateway's job."""
    return uuid5(_NAMESPACE, gateway)


async def owe_backfills(database: Database, gateways: GatewayRegistry) -> None:
    """Write the job of each gateway that keeps a list, where it isn't there yet."""
    for gateway in gateways:
        if gateway.polling.backfill_every_seconds is not None:
            job = Job(
                kind=JobKind.GATEWAY_BACKFILL, subject_id=backfill_id(gateway.name), gateway=gateway.name
            )
            await jobs.owe(database, job)


class Backfill:
    """Reads a gateway's events, and settles those of which no delivery is stored, as though they had been delivered."""

    def __init__(self, database: Database, settler: Settler, gateways: GatewayRegistry, pace: Pace) -> None:
        self._database = database
        self._settler = settler
        self._gateways = gateways
        self._pace = pace

    async def __call__(self, job: ClaimedJob) -> Result:
        """Do the job. Interrupted, it goes on from the last event that was settled."""
        assert job.gateway is not None, "the job names its gateway"  # noqa: S101 - written by owe_backfills
        gateway = self._gateways.get(job.gateway)
        every_seconds = gateway.polling.backfill_every_seconds
        if every_seconds is None:
            return Done()
        known = await gateway_states.listed_until(self._database, gateway.name)
        back_seconds = FIRST_SECONDS if known is None else OVERLAP_SECONDS
        since = (known or job.now) - timedelta(seconds=back_seconds)
        try:
            await self._read_on(gateway, since)
        except GatewayError as error:
            await self._pace.answered(gateway, error)
            raise
        await gateway_states.note_listed(self._database, gateway.name, job.now)
        return Again(every_seconds)

    async def _read_on(self, gateway: Gateway, since: datetime) -> None:
        batch: list[Notification] = []
        await self._pace.turn(gateway)
        async for event in gateway.missed(since):
            batch.append(event)
            if len(batch) >= BATCH_MAX:
                await self._settle(gateway, batch)
                batch = []
                await self._pace.turn(gateway)
        await self._settle(gateway, batch)

    async def _settle(self, gateway: Gateway, events: Sequence[Notification]) -> None:
        """Settle events that come one after the other in the list, and note how far that is."""
        ids = [event.external_id for event in events]
        stored = await owed.known_deliveries(self._database, gateway.name, ids)
        new = [
            read_again(gateway, new_id(), event.external_id, event.type, event.body)
            for event in events
            if event.external_id not in stored
        ]
        await asyncio.gather(*(self._settler.submit(webhook) for webhook in new))
        moments = [event.occurred_at for event in events if event.occurred_at is not None]
        if moments:
            await gateway_states.note_listed(self._database, gateway.name, max(moments))
