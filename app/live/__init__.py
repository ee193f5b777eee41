"""The live side of one process: who watches which order, and what each of them is handed next.

Apart from `app.relay`, which only carries the word that something changed between processes. `hub` is the whole of it
for users; the modules beside it each hold one mechanism.
"""

from app.live.contract import (
    CursorAheadError,
    HubFullError,
    HubStoppedError,
    LiveLimits,
    LogGapError,
    OrderReader,
    OrderUnknownError,
)
from app.live.hub import LiveHub
from app.live.watch import Watch

__all__ = [
    "CursorAheadError",
    "HubFullError",
    "HubStoppedError",
    "LiveHub",
    "LiveLimits",
    "LogGapError",
    "OrderReader",
    "OrderUnknownError",
    "Watch",
]
