"""What a test was at when its time was over."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from tests.awaits import all_awaits

if TYPE_CHECKING:
    from types import FrameType


def tell_tasks() -> None:
    """Print what each task waits for before whatever else is done about a time limit that has passed."""
    give_up = signal.getsignal(signal.SIGALRM)
    assert callable(give_up)

    def tell(number: int, frame: FrameType | None) -> None:
        with suppress(RuntimeError):  # no loop runs
            sys.stderr.write("\n".join([*all_awaits(), ""]))
        give_up(number, frame)

    signal.signal(signal.SIGALRM, tell)
