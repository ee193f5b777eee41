"""Stored deliveries, read once more: by today's adapter, and as of what is known today."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.batch import Webhook
from app.domain.errors import DomainError, ErrorCode
from app.domain.states import InboxEventStatus
from app.gateways import Notification, Verified
from app.reconcile.results import Dead, Done, Failed
from db import owed

if TYPE_CHECKING:
    from uuid import UUID

    from app.batch import Outcome
    from app.gateways import Gateway, GatewayRegistry
    from app.reconcile.results import Result
    from app.settle import Settler
    from db.jobs import ClaimedJob
    from db.owed import StoredDelivery
    from db.pool import Database

FAILURES_MAX: Final = 6
"""How often a delivery that breaks is tried; what broke it may have been a passing fault."""
WAITS_SECONDS_MAX: Final = 3 * 86_400.0
"""How long a delivery may wait for the payment that it names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a stored delivery came to. `outcome` is None where it had been applied before."""

    delivery: StoredDelivery
    outcome: Outcome | None


class Replay:
    """Settles stored deliveries again."""

    def __init__(self, database: Database, settler: Settler, gateways: GatewayRegistry) -> None:
        self._database = database
        self._settler = settler
        self._gateways = gateways

    async def replay(self, inbox_id: UUID) -> Replayed:
        """Read a stored delivery again and settle what it says; one that was applied is left as it is.

        The delivery it returns is as it stands afterwards.

        Raises:
            DomainError: NOT_FOUND when there is none, INVALID when its gateway is not set up here.
            SettleBusyError: nothing was done; come again.
        """
        stored = await owed.delivery(self._database, inbox_id)
        if stored is None:
            raise DomainError(ErrorCode.NOT_FOUND, "There is no such delivery.", ("id",))
        if stored.status is InboxEventStatus.APPLIED:
            return Replayed(delivery=stored, outcome=None)
        gateway = self._gateways.get(stored.gateway)
        webhook = read_again(gateway, stored.id, stored.external_id, stored.type, stored.body)
        outcome = await self._settler.submit(webhook)
        after = await owed.delivery(self._database, inbox_id)
        return Replayed(delivery=after or stored, outcome=outcome)

    async def __call__(self, job: ClaimedJob) -> Result:
        """Do the job: until the payment is there that the delivery names, or it has waited for too long."""
        try:
            replayed = await self.replay(job.subject_id)
        except DomainError as error:
            return Dead(error.message)
        delivery = replayed.delivery
        reason = delivery.error or "No payment here is named by it."
        if delivery.status is InboxEventStatus.UNMATCHED:
            return Dead(reason) if job.age_seconds > WAITS_SECONDS_MAX else Failed(reason)
        if delivery.status is InboxEventStatus.FAILED:
            return Dead(reason) if job.attempts >= FAILURES_MAX else Failed(reason)
        return Done()


def read_again(gateway: Gateway, inbox_id: UUID, external_id: str, kind: str, body: bytes) -> Webhook:
    """Return a verified body as the endpoint would submit it; one that can't be read says why."""
    error = None
    said = Notification(external_id=external_id, type=kind, payment_id=None, reference=None)
    try:
        said = gateway.parse(Verified.kept(body))
    except ValueError as unreadable:
        error = str(unreadable)
    return Webhook(
        id=inbox_id,
        gateway=gateway.name,
        external_id=external_id,
        type=said.type,
        body=body,
        payment_id=said.payment_id,
        reference=said.reference,
        object_ids=said.related_object_ids,
        facts=said.facts,
        next_action=said.next_action,
        asks=said.asks,
        error=error,
        replayed=True,
    )
