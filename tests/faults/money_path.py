"""The money path: the modules that points are planted into, and the limits that are lowered while they are.

The only lists of both. A package stands for everything in it; what is not there yet binds from the day it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]

MONEY_PATH: Final = (
    "app.settle",
    "app.batch",
    "db.settlement",
    "app.webhooks",
    "app.checkout.paying",
    "app.gateway_calls",
    "app.checkout.ordering",
    "app.idempotency",
    "app.reconcile",
    "app.worker",
)

Lowered = Mapping[tuple[str, str], float]
"""Module and constant → what it is instead."""

WAITS: Final[Lowered] = {
    ("app.idempotency", "LEASE_SECONDS"): 0.3,
    ("app.checkout.paying", "SYNC_INTERVAL_SECONDS"): 0.1,
    ("app.settle", "SettlerLimits.retry_for_seconds"): 0.5,
    ("app.webhooks", "BODY_SECONDS_MAX"): 0.3,
    ("app.reconcile.backfill", "OVERLAP_SECONDS"): 5.0,
    ("app.reconcile.backfill", "FIRST_SECONDS"): 5.0,
    ("app.worker.worker", "WorkerLimits.look_every_seconds"): 0.1,
    ("app.worker.worker", "WorkerLimits.look_pause_seconds"): 0.02,
    ("app.worker.worker", "WorkerLimits.backoff_first_seconds"): 0.1,
    ("app.worker.worker", "WorkerLimits.backoff_seconds_max"): 0.4,
    ("app.worker.worker", "WorkerLimits.pause_seconds_max"): 0.2,
    ("app.worker.worker", "WorkerLimits.away_seconds"): 0.1,
    ("app.worker.worker", "WorkerLimits.stop_seconds_max"): 0.1,
}
"""What a run would have to sit through: a lease is shorter than a hang here, as it is in earnest."""

LIMITS: Final[Lowered] = {
    ("app.settle", "SettlerLimits.queue_max"): 12,
    ("app.checkout.paying", "_SYNC_REMEMBERED_MAX"): 1,
    ("app.reconcile.backfill", "BATCH_MAX"): 2,
    ("app.worker.worker", "WorkerLimits.jobs_max"): 4,
}
"""What a run would have to fill."""


@dataclass(frozen=True, slots=True)
class Build:
    """How the money path is compiled."""

    points: bool = False
    lowered: Lowered = field(default_factory=dict)


BUILDS: Final = {
    "planted": Build(points=True, lowered={**WAITS, **LIMITS}),
    "impatient": Build(lowered=WAITS),
    "plain": Build(),
}
"""With points; as it is but for its waits; as it is."""


@lru_cache
def modules() -> dict[str, Path]:
    """Return the modules of the path, by name, in the order of the list."""
    found: dict[str, Path] = {}
    for name in MONEY_PATH:
        path = ROOT.joinpath(*name.split("."))
        if path.is_dir():
            for file in sorted(path.rglob("*.py")):
                parts = file.relative_to(ROOT).with_suffix("").parts
                found[".".join(part for part in parts if part != "__init__")] = file
        else:
            assert path.with_suffix(".py").exists(), f"{name} has moved"
            found[name] = path.with_suffix(".py")
    return found
