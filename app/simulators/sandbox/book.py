"""The book: everything that the sandbox believes. It changes in one place, and only after the log has the change.

The log holds events, answers given under idempotency keys, and delivery attempts. A payment is what its last event
shows, so replaying the log is all there is to recovery.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson

from app.simulators.kit.deliverer import DeliveryStatus
from app.simulators.sandbox.objects import Payment, new_id
from app.simulators.sandbox.transitions import rfc3339
from app.simulators.sandbox.truth_log import TruthLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from app.simulators.sandbox.transitions import Step

ATTEMPTS_SHOWN_MAX: Final = 50
ANSWERS_KEPT: Final = timedelta(hours=24)
_TICK: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryAttempt:
    """One POST of an event. `status` is the answer's, None when there was none."""

    at: str
    status: int | None
    error: str | None
    duplicate: bool


@dataclass(slots=True, kw_only=True)
class Event:
    """Something that happened, as it is sent: `body` is the JSON of id, type, created and data.object."""

    id: str
    type: str
    created: str
    payment_id: str
    body: bytes
    delivery: DeliveryStatus = DeliveryStatus.PENDING
    attempts: list[DeliveryAttempt] = field(default_factory=list)
    attempts_made: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was answered under an idempotency key. `fingerprint` tells the same request from another."""

    key: str
    created: str
    fingerprint: str
    status: int
    body: dict[str, Any]


class Book:
    """Payments, events and answers. `on_event` and `on_change` are told after a change is safe."""

    def __init__(self, path: Path | None, public_url: str) -> None:
        self.payments: dict[str, Payment] = {}
        self.events: list[Event] = []
        self.answers: dict[str, Answer] = {}
        self.on_event: Callable[[Event], None] = lambda _: None
        self.on_change: Callable[[Payment], None] = lambda _: None
        self._positions: dict[str, int] = {}
        self._by_metadata: dict[str, list[str]] = {}
        self._by_refund: dict[str, str] = {}
        self._public_url = public_url
        self._last_moment = datetime.fromtimestamp(0, UTC)
        self._log = TruthLog(path) if path else None
        for line in self._log.read() if self._log else ():
            self._replay(line)

    def now(self) -> str:
        """Return the time, later than any time given before: also when the clock was set back."""
        self._last_moment = max(datetime.now(UTC), self._last_moment + _TICK)
        return rfc3339(self._last_moment)

    def commit(self, steps: Sequence[Step], answer: Answer | None = None) -> None:
        """Record what happened and what was answered: in the log first, both or neither."""
        told = [self._tell(step) for step in steps]
        if self._log and (told or answer):
            line = {"events": told, "answer": asdict(answer) if answer else None}
            self._log.append(line, sync=True)
        events = [self._add_event(event) for event in told]
        if answer:
            self._keep(answer)
        for event in events:
            self.on_event(event)
        for payment_id in dict.fromkeys(event.payment_id for event in events):
            self.on_change(self.payments[payment_id])

    def record(self, event: Event, attempt: DeliveryAttempt, delivery: DeliveryStatus) -> None:
        """Note how a delivery went. Losing the note costs one more delivery, so it is not waited for."""
        if self._log:
            note = {"event": event.id, "delivery": delivery, **asdict(attempt)}
            self._log.append({"attempt": note}, sync=False)
        _note(event, attempt, delivery)

    def event(self, event_id: str) -> Event | None:
        """Return an event by its id."""
        position = self._positions.get(event_id)
        return None if position is None else self.events[position]

    def events_since(self, since: str, after: str | None, limit: int) -> tuple[list[Event], bool]:
        """Return events from `since` on and behind the known event `after`, oldest first, and whether more follow."""
        start = bisect_left(self.events, since, key=lambda event: event.created)
        if after is not None:
            start = max(start, self._positions[after] + 1)
        return self.events[start : start + limit], start + limit < len(self.events)

    def payments_of(self, metadata_payment_id: str) -> list[Payment]:
        """Return the payments that carry the merchant's id, oldest first."""
        return [self.payments[known] for known in self._by_metadata.get(metadata_payment_id, ())]

    def payment_of_refund(self, refund_id: str) -> Payment | None:
        """Return the payment that a refund belongs to."""
        payment_id = self._by_refund.get(refund_id)
        return None if payment_id is None else self.payments[payment_id]

    def undelivered(self) -> Iterable[Event]:
        """Return the events whose delivery is still owed."""
        return [event for event in self.events if event.delivery is DeliveryStatus.PENDING]

    def close(self) -> None:
        """Close the log."""
        if self._log:
            self._log.close()

    def _tell(self, step: Step) -> dict[str, Any]:
        return {
            "id": new_id("evt"),
            "type": step.type,
            "created": self.now(),
            "data": {"object": step.payment.as_json(self._public_url)},
        }

    def _add_event(self, told: dict[str, Any]) -> Event:
        shown = told["data"]["object"]
        event = Event(
            id=told["id"],
            type=told["type"],
            created=told["created"],
            payment_id=shown["id"],
            body=orjson.dumps(told),
        )
        if event.payment_id not in self.payments and (own := shown["metadata"].get("payment_id")):
            self._by_metadata.setdefault(own, []).append(event.payment_id)
        self.payments[event.payment_id] = Payment.from_json(shown)
        self._by_refund.update((refund["id"], event.payment_id) for refund in shown["refunds"])
        self._positions[event.id] = len(self.events)
        self.events.append(event)
        return event

    def _replay(self, line: dict[str, Any]) -> None:
        if "attempt" in line:
            note = line["attempt"]
            delivery = DeliveryStatus(note.pop("delivery"))
            _note(self.events[self._positions[note.pop("event")]], DeliveryAttempt(**note), delivery)
            return
        for told in line["events"]:
            self._add_event(told)
            self._last_moment = datetime.fromisoformat(told["created"])
        if line["answer"]:
            self._keep(Answer(**line["answer"]))

    def _keep(self, answer: Answer) -> None:
        """Keep an answer and forget those whose time is over; they were put in by time."""
        self.answers[answer.key] = answer
        over = rfc3339(datetime.fromisoformat(answer.created) - ANSWERS_KEPT)
        while (oldest := next(iter(self.answers.values()))).created < over:
            del self.answers[oldest.key]


def _note(event: Event, attempt: DeliveryAttempt, delivery: DeliveryStatus) -> None:
    event.attempts_made += 1
    event.attempts = [*event.attempts, attempt][-ATTEMPTS_SHOWN_MAX:]
    if event.delivery is not DeliveryStatus.DELIVERED:
        event.delivery = delivery
