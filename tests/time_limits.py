"""What a test was at when its time was over."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING

from tests.awaits import awaits

if TYPE_CHECKING:
    from types import FrameType


def tell_tasks() -> None:
    """Print what each task waits for before whatever else is done about a time limit that has passed."""
    give_up = signal.getsignal(signal.SIGALRM)
    assert callable(give_up)

    def tell(number: int, frame: FrameType | None) -> None:
        try:
            tasks = asyncio.all_tasks()
        except RuntimeError:
            tasks = set()  # no loop runs
        for task in tasks:
            sys.stderr.write(f"{task.get_name()}: {' > '.join(awaits(task))}\n")
        give_up(number, frame)

    signal.signal(signal.SIGALRM, tell)
