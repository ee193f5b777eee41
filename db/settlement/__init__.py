"""The statements of a settlement: a fixed number, whatever the size of the batch.

Each runs inside the caller's transaction, on a connection of the caller's. The order rows are locked first, in id
order; what hangs on them is read after the lock is held, so that it can't be stale.
"""

from __future__ import annotations

from db.settlement.reading import Locked, Probe, load, lock
from db.settlement.writing import ForeignFactError, InboxMark, WriteSet, write

__all__ = ["ForeignFactError", "InboxMark", "Locked", "Probe", "WriteSet", "load", "lock", "write"]
