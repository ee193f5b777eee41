"""The loop that has owed work done as it comes due."""

from __future__ import annotations

from app.worker.figures import WorkerFigures, watch_worker
from app.worker.worker import Worker, WorkerLimits

__all__ = ["Worker", "WorkerFigures", "WorkerLimits", "watch_worker"]
