"""One batch of settle: match, lock, load, decide in order, write. Runs in one transaction on a given connection."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from app.domain.changes import Change, Decision, OrderRecord, Report
from app.domain.errors import DomainError, ErrorCode
from app.domain.settlement import decide
from app.domain.states import EventSource, InboxEventStatus
from app.domain.suspense import unknown_money
from app.identity import new_id
from db.rows import (
    attempt_row,
    dispute_row,
    event_row,
    fact_row,
    job_row,
    order_row,
    payment_row,
    posting_rows,
    refund_row,
    suspense_row,
)
from db.settlement import InboxMark, Locked, Probe, WriteSet, load, lock, write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from app.domain.changes import PaymentRecord
    from app.domain.facts import Fact
    from app.domain.ledger import Posting
    from app.domain.order import OrderChange
    from app.domain.states import GatewayName
    from app.domain.suspense import SuspenseItem
    from db.pool import Connection


ERROR_LENGTH_MAX: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A verified delivery: how it names its payment, the facts in it, and the body as it came."""

    id: UUID
    gateway: GatewayName
    external_id: str
    type: str
    body: bytes
    payment_id: UUID | None
    reference: str | None
    object_ids: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    next_action: Mapping[str, object] | None = None
    asks: bool = False
    """Whether the gateway is to be asked at once what it is about."""
    error: str | None = None
    """Why it can't be applied, known beforehand."""
    replayed: bool = False
    """Whether it is read again from the inbox, rather than delivered."""
    received_at: float | None = None
    """When its first byte was read, on this process's monotonic clock."""

    @property
    def label(self) -> str:
        """What logs call it."""
        return f"{self.gateway}:{self.external_id}"

    def failed(self, error: Exception) -> Webhook:
        """Return the delivery to be kept with the reason why it can't be applied."""
        reason = f"{type(error).__name__}: {error}"[:ERROR_LENGTH_MAX]
        return replace(
            self, facts=(), reference=None, object_ids=(), next_action=None, asks=False, error=reason
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A change of a known order, with the idempotency key that its commit answers."""

    order_id: UUID
    change: Change
    key_id: UUID | None = None
    answer: Mapping[str, object] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What logs call it."""
        return f"{type(self.change).__name__}:{self.order_id}"


Submission = Webhook | Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a submission came to. `change` is there when it changed its order."""

    record: OrderRecord | None = None
    change: OrderChange | None = None
    owes: bool = False
    """Whether work came to be owed that is due at once."""
    status: InboxEventStatus | None = None
    payment_id: UUID | None = None


async def settle_batch(connection: Connection, batch: Sequence[Submission]) -> list[Outcome | DomainError]:
    """Settle a batch in one transaction, and return what each submission came to, in order.

    Raises:
        Exception: whatever broke the batch; nothing of it is written.
    """
    async with connection.transaction():
        probes = [
            Probe(
                gateway=item.gateway,
                payment_id=item.payment_id,
                reference=item.reference,
                object_ids=item.object_ids,
            )
            for item in batch
            if isinstance(item, Webhook)
        ]
        order_ids = {item.order_id for item in batch if isinstance(item, Command)}
        locked = await lock(connection, probes, order_ids)
        records = await load(connection, locked.orders) if locked.orders else {}
        work = _Batch(locked, records)
        outcomes = work.decide_all(batch)
        await write(connection, work.write_set())
    return outcomes


class _Batch:
    """The state of a batch while its submissions are decided one after the other."""

    def __init__(self, locked: Locked, records: dict[UUID, OrderRecord]) -> None:
        self._locked = locked
        self._before = dict(records)
        self._records = records
        self._facts: dict[tuple[object, ...], tuple[UUID, Fact]] = {}
        self._marks: dict[tuple[str, str], InboxMark] = {}
        self._writes = WriteSet()

    def decide_all(self, batch: Sequence[Submission]) -> list[Outcome | DomainError]:
        """Decide every submission on what the ones before it left."""
        outcomes: list[Outcome | DomainError] = []
        number = 0
        for item in batch:
            if isinstance(item, Webhook):
                outcomes.append(self._webhook(item, self._locked.matches.get(number, {})))
                number += 1
            else:
                outcomes.append(self._command(item))
        return outcomes

    def _webhook(self, webhook: Webhook, matches: Mapping[UUID, UUID]) -> Outcome:
        if webhook.error is not None:
            return self._mark(webhook, InboxEventStatus.FAILED, error=webhook.error)
        if not webhook.facts and not webhook.asks:
            return self._mark(webhook, InboxEventStatus.IGNORED, payment_id=next(iter(matches), None))
        if not matches:
            self._keep_unknown_money(webhook)
            return self._mark(webhook, InboxEventStatus.UNMATCHED, error="No payment here has these ids.")
        if len(matches) > 1:
            self._keep_unknown_money(webhook)
            return self._mark(webhook, InboxEventStatus.FAILED, error="Its ids name more than one payment.")
        ((payment_id, order_id),) = matches.items()
        report = Report(
            payment_id=payment_id,
            source=EventSource.WEBHOOK,
            facts=webhook.facts,
            reference=webhook.reference,
            next_action=webhook.next_action,
            asks=webhook.asks,
        )
        try:
            decision = self._decide(order_id, report)
        except DomainError as error:
            self._keep_unknown_money(webhook)
            return self._mark(webhook, InboxEventStatus.FAILED, payment_id=payment_id, error=error.message)
        self._mark(webhook, InboxEventStatus.APPLIED, payment_id=payment_id)
        return Outcome(
            record=decision.record,
            change=decision.as_change(webhook.received_at) if decision.events else None,
            owes=decision.owes,
            status=InboxEventStatus.APPLIED,
            payment_id=payment_id,
        )

    def _keep_unknown_money(self, webhook: Webhook) -> None:
        """Hold captured money that a delivery tells of and that can't be put on a payment here."""
        item = unknown_money(webhook.gateway, webhook.reference, webhook.facts, self._locked.now)
        if item is not None:
            self._writes.suspense[item.id] = suspense_row(item)

    def _command(self, command: Command) -> Outcome | DomainError:
        if command.order_id not in self._records:
            return DomainError(ErrorCode.NOT_FOUND, "There is no such order.")
        try:
            decision = self._decide(command.order_id, command.change)
        except DomainError as error:
            return error
        if command.key_id is not None:
            self._writes.answers.append({"id": command.key_id, "answer": command.answer})
        return Outcome(
            record=decision.record,
            change=decision.as_change() if decision.events else None,
            owes=decision.owes,
        )

    def _decide(self, order_id: UUID, change: Change) -> Decision:
        record = self._records[order_id]
        decision = decide(record, change, self._locked.now)
        if decision.record is record:
            return decision
        self._records[order_id] = decision.record
        self._writes.events.extend(event_row(event) for event in decision.events)
        self._writes.jobs.extend(job_row(new_id(), job) for job in decision.jobs)
        for payment_id, fact in decision.facts:
            self._facts[fact.key] = (payment_id, fact)
        self._book(decision)
        return decision

    def _book(self, decision: Decision) -> None:
        """Book what a decision moved: one transaction for each payment."""
        given: dict[UUID, list[Posting]] = {}
        for payment_id, posting in decision.postings:
            given.setdefault(payment_id, []).append(posting)
        for payment_id, moved in given.items():
            self._writes.ledger.extend(posting_rows(new_id(), decision.record.order.id, payment_id, moved))

    def _mark(
        self,
        webhook: Webhook,
        status: InboxEventStatus,
        *,
        payment_id: UUID | None = None,
        error: str | None = None,
    ) -> Outcome:
        """Note a delivery; the same delivery twice in one batch is one row that counts two."""
        key = (webhook.gateway, webhook.external_id)
        known = self._marks.get(key)
        self._marks[key] = InboxMark(
            id=webhook.id,
            gateway=webhook.gateway,
            external_id=_storable(webhook.external_id),
            type=_storable(webhook.type),
            status=status,
            deliveries=(known.deliveries if known else 0) + (not webhook.replayed),
            error=None if error is None else _storable(error),
            body=webhook.body,
            payment_id=payment_id,
            named_payment_id=webhook.payment_id,
            reference=None if webhook.reference is None else _storable(webhook.reference),
            asks=webhook.asks,
        )
        return Outcome(status=status)

    def write_set(self) -> WriteSet:
        """Return the rows to write: each order, payment and fact once, as the last submission left it."""
        self._writes.inbox = list(self._marks.values())
        self._writes.facts = [fact_row(payment_id, fact) for payment_id, fact in self._facts.values()]
        for order_id, record in self._records.items():
            before = self._before[order_id]
            if record is before:
                continue
            if record.order is not before.order:
                self._writes.orders.append(order_row(record.order))
            if record.suspense is not before.suspense:
                self._write_suspense(before.suspense, record.suspense)
            for payment_id, after in record.payments.items():
                self._write_payment(before.payments.get(payment_id), after)
        return self._writes

    def _write_suspense(
        self, before: Mapping[UUID, SuspenseItem], after: Mapping[UUID, SuspenseItem]
    ) -> None:
        for item_id, item in after.items():
            if before.get(item_id) is not item:
                self._writes.suspense[item_id] = suspense_row(item)

    def _write_payment(self, before: PaymentRecord | None, after: PaymentRecord) -> None:
        if before is after:
            return
        payment, state = after.payment, after.state
        if before is None:
            self._writes.new_payments.append(payment_row(payment))
        elif payment is not before.payment:
            self._writes.payments.append(payment_row(payment))
        old = before.state if before is not None else None
        attempts, refunds, disputes = (old.attempts, old.refunds, old.disputes) if old else ((), (), ())
        self._writes.attempts.extend(attempt_row(payment.id, a) for a in state.attempts if a not in attempts)
        self._writes.refunds.extend(refund_row(payment.id, r) for r in state.refunds if r not in refunds)
        self._writes.disputes.extend(dispute_row(payment.id, d) for d in state.disputes if d not in disputes)
        kept = {refund.id for refund in state.refunds}
        self._writes.replaced_refunds.extend(refund.id for refund in refunds if refund.id not in kept)


def _storable(text: str) -> str:
    """Return a text that PostgreSQL can hold: no NUL, no lone surrogates."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
