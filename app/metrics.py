"""What is measured, in Prometheus' terms. One registry for each application, so that two in a process don't mix."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from functools import partial
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from app.domain.order import OrderChange

REMEMBERED_MAX: Final = 10_000
"""Versions whose webhook's time is kept: a frame that comes later than so many commits is not measured."""
_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The figures of one application."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._children: dict[tuple[str, str], Histogram] = {}
        self._webhooks = Histogram(
            "orderpulse_webhook_seconds",
            "Time from a delivery's first byte to its answer, which follows the commit.",
            ("gateway", "outcome"),
            registry=self._registry,
            buckets=_SECONDS,
        )
        self._pushes = Histogram(
            "orderpulse_push_seconds",
            "Time from a webhook's first byte to the frame written to each subscriber of its order.",
            registry=self._registry,
            buckets=_SECONDS,
        )
        self._newest_pushes: deque[tuple[float, float]] = deque(maxlen=REMEMBERED_MAX)
        self._graphql = Counter(
            "orderpulse_graphql_operations_total",
            "GraphQL operations by kind and whether they had errors.",
            ("operation", "outcome"),
            registry=self._registry,
        )
        self._violations = Gauge(
            "orderpulse_integrity_violations",
            "Rows that break an invariant, as far as the audit knows now. Zero is the only good value.",
            ("check",),
            registry=self._registry,
        )
        self._audited = Counter(
            "orderpulse_integrity_rows_checked_total",
            "Rows that the audit has looked at.",
            registry=self._registry,
        )

    def webhook(self, gateway: str, outcome: str, seconds: float) -> None:
        """Count one delivery and the time that it took."""
        child = self._children.get((gateway, outcome))
        if child is None:
            child = self._children[gateway, outcome] = self._webhooks.labels(gateway, outcome)
        child.observe(seconds)

    def pushed(self, seconds: float) -> None:
        """Count one frame and the time since its webhook came in."""
        self._pushes.observe(seconds)
        self._newest_pushes.append((time.time(), seconds))

    def push_latency(self, since: datetime) -> tuple[float, float] | None:
        """Return the median and 99th percentile of the newest frames' seconds since then, if there were any."""
        at = since.timestamp()
        taken = sorted(seconds for pushed_at, seconds in self._newest_pushes if pushed_at >= at)
        if not taken:
            return None
        return taken[len(taken) // 2], taken[min(len(taken) * 99 // 100, len(taken) - 1)]

    def operation(self, kind: str, *, failed: bool) -> None:
        """Count one GraphQL operation."""
        self._graphql.labels(kind, "error" if failed else "ok").inc()

    def audited(self, rows: int, violations: Mapping[str, int]) -> None:
        """Count the rows that an audit looked at, and show the violations that are known now, by check."""
        self._audited.inc(rows)
        for check, number in violations.items():
            self._violations.labels(check).set(number)

    def watch(self, name: str, description: str, value: Callable[[], float]) -> None:
        """Show a value that is read whenever the figures are asked for."""
        Gauge(f"orderpulse_{name}", description, registry=self._registry).set_function(value)

    def watch_each(
        self, name: str, description: str, label: str, words: Iterable[str], value: Callable[[str], float]
    ) -> None:
        """Show a value for each word of a label."""
        gauge = Gauge(f"orderpulse_{name}", description, (label,), registry=self._registry)
        for word in words:
            gauge.labels(word).set_function(partial(value, word))

    def text(self) -> bytes:
        """Return all figures in Prometheus' text format."""
        return generate_latest(self._registry)


class PushTimes:
    """Remembers when the webhooks of the newest changes came in, until their frames have been written."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._metrics = metrics
        self._clock = clock
        self._received: OrderedDict[tuple[UUID, int], float] = OrderedDict()

    def committed(self, changes: Sequence[OrderChange]) -> None:
        """Remember what was caused by a webhook."""
        for change in changes:
            if change.received_at is not None:
                for event in change.events:
                    self._received[change.order.id, event.version] = change.received_at
        while len(self._received) > REMEMBERED_MAX:
            self._received.popitem(last=False)

    def written(self, order_id: UUID, version: int) -> None:
        """Count a frame that tells a subscriber of one version of an order."""
        received_at = self._received.get((order_id, version))
        if received_at is not None:
            self._metrics.pushed(self._clock() - received_at)
