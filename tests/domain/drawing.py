"""Draws histories at random from seeds, plays them, and makes a failing one as short as it gets.

    python -m tests.domain.drawing 0 50000

plays the histories of the seeds from 0 up to 50,000 and says how many ran, or prints the shortest one that fails.
"""

from __future__ import annotations

import gc
import json
import random
import sys
from typing import TYPE_CHECKING, Final

from app.domain.states import CaptureMethod, FulfillmentStatus, LatePaymentPolicy, SuspenseResolution
from tests.domain.histories import DisagreementError, Play

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tests.domain.histories import History, Step

    Draw = Callable[[random.Random], Any]

GC_ALLOCATIONS: Final = 50_000
"""A history leaves no cycles behind; Python's own 700 would look for some ten times in each."""
STEPS_MIN: Final = 5
STEPS_MAX: Final = 12
POLICIES: Final = [policy.value for policy in LatePaymentPolicy]
METHODS: Final = [method.value for method in CaptureMethod]
BEGINNINGS: Final[tuple[list[int], ...]] = (
    [],
    [500],
    [500],
    [500, 500],
    [500, 500],
    [300, 200],
    [200, 300, 500],
)
"""What the payments are for with which an order begins."""
_WHOLE: Final = "all"
_TELLINGS: Final = (
    [(8, ("CAPTURED", "c", _WHOLE, "INR")), (4, ("AUTHORIZED", "c", _WHOLE, "INR"))]
    + [
        (2, (kind, "a", None, "INR"))
        for kind in ("ATTEMPT_STARTED", "ACTION_REQUIRED", "PROCESSING", "FAILED")
    ]
    + [(1, (kind, "b", None, "INR")) for kind in ("ACTION_REQUIRED", "FAILED")]
    + [
        (2, ("CAPTURED", "c", 200, "INR")),
        (1, ("CAPTURED", "d", 300, "INR")),
        (1, ("CAPTURED", "d", 1, "INR")),
    ]
    + [(1, ("CAPTURED", "e", _WHOLE, "USD")), (1, ("AUTHORIZED", "d", 300, "INR"))]
    + [(1, ("RELEASED", "c", _WHOLE, "INR")), (1, ("RELEASED", "c", 300, "INR"))]
    + [(1, ("CANCELED", "p", None, "INR")), (1, ("LAPSED", "p", None, "INR"))]
    + [(1, (f"REFUND_{kind}", "r", 100, "INR")) for kind in ("PENDING", "SUCCEEDED", "FAILED")]
    + [(1, ("REFUND_SUCCEEDED", "s", _WHOLE, "INR"))]
    + [(1, (f"DISPUTE_{kind}", "x", 100, "INR")) for kind in ("OPENED", "WON", "LOST")]
    + [(1, (f"DISPUTE_{kind}", "y", _WHOLE, "INR")) for kind in ("OPENED", "UNDER_REVIEW", "WON", "LOST")]
)
TOLD: Final = [list(told) for share, told in _TELLINGS for _ in range(share)]
"""What gateways say about a payment, each as often as it is to be drawn; `all` is what was asked."""
REFUND_NEWS: Final = ["SUCCEEDED", "SUCCEEDED", "FAILED", "PENDING", "CANCELED"]
GOODS: Final = [status.value for status in FulfillmentStatus]
AMOUNTS: Final = [None, None, None, 1, 100, 200, 300, 499, 500, 501]
WORDS: Final = [word.value for word in SuspenseResolution]
_NUMBER: Final[Draw] = lambda choose: choose.randrange(4)  # noqa: E731 - a table of draws
_GIVEN: Final[dict[str, tuple[Draw, ...]]] = {
    "report": (_NUMBER, lambda choose: choose.choices(TOLD, k=choose.choice([1, 1, 1, 2, 3]))),
    "refund_news": (_NUMBER, lambda choose: choose.choice(REFUND_NEWS)),
    "open": (lambda choose: choose.choice(AMOUNTS), lambda choose: choose.choice(METHODS)),
    "refund": (_NUMBER, lambda choose: choose.choice(AMOUNTS)),
    "resolve": (_NUMBER, lambda choose: choose.choice(WORDS)),
    "cancel": (lambda choose: choose.random() < 0.5,),
    "expire": (),
    "fulfill": (lambda choose: choose.choice(GOODS),),
}
_SHARES: Final = {
    "report": 11,
    "refund_news": 3,
    "open": 2,
    "refund": 1,
    "resolve": 2,
    "cancel": 1,
    "expire": 1,
    "fulfill": 2,
}
_ACTS: Final = [name for name, share in _SHARES.items() for _ in range(share)]


def beginning(choose: random.Random) -> History:
    """Draw how an order begins."""
    return {
        "policy": choose.choice(POLICIES),
        "expires_at": choose.choice([None, 2, 4, 6]),
        "payments": [[minor, choose.choice(METHODS)] for minor in choose.choice(BEGINNINGS)],
        "steps": [],
    }


def step(choose: random.Random) -> Step:
    """Draw what happens next."""
    name = choose.choice(_ACTS)
    return [name, *(draw(choose) for draw in _GIVEN[name])]


def history(seed: int) -> History:
    """Return the history of a seed."""
    choose = random.Random(seed)  # noqa: S311 - a history is no secret
    drawn = beginning(choose)
    drawn["steps"] = [step(choose) for _ in range(choose.randint(STEPS_MIN, STEPS_MAX))]
    return drawn


def play(told: History) -> str | None:
    """Play a whole history, and return what went wrong, if anything did."""
    try:
        game = Play(told)
        for one in told["steps"]:
            game.take(one)
    except DisagreementError as disagreement:
        return str(disagreement)
    except Exception as error:  # noqa: BLE001 - whatever the rules raise is what went wrong
        return repr(error)
    return None


def shortest(failing: History) -> History:
    """Leave out whatever a failing history fails without."""
    shorter = True
    while shorter:
        shorter = False
        for part in ("steps", "payments"):
            for index in reversed(range(len(failing[part]))):
                tried = {**failing, part: failing[part][:index] + failing[part][index + 1 :]}
                if play(tried) is not None:
                    failing, shorter = tried, True
    return failing


def main(first: int, end: int) -> int:
    """Play the histories of a range of seeds."""
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS)
    for seed in range(first, end):
        if play(history(seed)) is None:
            continue
        short = shortest(history(seed))
        print(  # noqa: T201 - read by whoever started this
            f"The history of seed {seed} fails; the shortest one that does:\n{json.dumps(short)}\n{play(short)}"
        )
        return 1
    print(f"{end - first} histories agree")  # noqa: T201 - read by the test that starts this
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
