"""What is measured of the worker."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from app.domain.states import JobKind
from db.jobs import JobCounts

if TYPE_CHECKING:
    from app.metrics import Metrics

OUTCOMES: Final = ("done", "again", "failed", "died", "put_back", "lost")


@dataclass(slots=True)
class WorkerFigures:
    """Running totals, for the metrics."""

    ended: Counter[str] = field(default_factory=Counter)
    """Jobs by what they came to, one of OUTCOMES."""
    swept: int = 0
    at_work: int = 0
    counts: JobCounts = field(default_factory=lambda: JobCounts(dead={}))
    """As the database had them a moment ago."""


def watch_worker(metrics: Metrics, figures: WorkerFigures) -> None:
    """Show the worker's figures."""
    metrics.watch("jobs_due", "Jobs that are due and not at work.", lambda: figures.counts.due)
    metrics.watch(
        "jobs_oldest_due_seconds",
        "How long the job that is due the longest has been so.",
        lambda: figures.counts.oldest_due_seconds,
    )
    metrics.watch("jobs_at_work", "Jobs at work in this process.", lambda: figures.at_work)
    metrics.watch("jobs_swept", "Jobs that came to their end by themselves.", lambda: figures.swept)
    metrics.watch_each(
        "jobs_dead",
        "Jobs that were given up and wait for people.",
        "kind",
        JobKind,
        lambda kind: figures.counts.dead.get(JobKind(kind), 0),
    )
    metrics.watch_each(
        "jobs_ended", "Jobs by what they came to.", "outcome", OUTCOMES, lambda word: figures.ended[word]
    )
