"""Whole histories of an order: the rules and a reference that was written apart from them come to the same end, always.

After every step both are compared: status, payment status, sums, suspense, the refunds that rules ask for, the books;
and what must hold whatever happened: versions without gap, only edges of the machines, balanced postings, no money
without a place, and the same step again changing nothing. `tests.domain.drawing` plays more of them.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.domain import drawing
from tests.domain.histories import DisagreementError, Play
from tests.domain.told import THOROUGH, examples

if TYPE_CHECKING:
    from tests.domain.histories import History, Step

ROOT: Final = Path(__file__).parents[2]
REGRESSIONS: Final = sorted((Path(__file__).parent / "regressions").glob("*.json"))
HISTORIES: Final = 100_000 * THOROUGH
PROCESSES: Final = 2
NICENESS: Final = 5
PLAYED_IN_SECONDS_MAX: Final = 1_800 * THOROUGH
EXAMPLES: Final = 200
STEPS: Final = 20


@pytest.mark.parametrize("file", REGRESSIONS, ids=lambda file: file.stem)
def test_what_once_went_wrong_goes_well(file: Path) -> None:
    assert drawing.play(json.loads(file.read_text())) is None


@pytest.mark.timeout(PLAYED_IN_SECONDS_MAX)
def test_a_hundred_thousand_drawn_histories_agree_with_the_reference() -> None:
    """The seeds are always the same, so a failure comes again; what is printed belongs among the regressions.

    They leave the processors to the tests beside them, which have to be in time.
    """
    share = HISTORIES // PROCESSES
    with contextlib.ExitStack() as stack:
        players = [
            stack.enter_context(
                subprocess.Popen(
                    [
                        *("nice", "-n", str(NICENESS), sys.executable, "-m", "tests.domain.drawing"),
                        *(str(number * share), str((number + 1) * share)),
                    ],
                    cwd=ROOT,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
            )
            for number in range(PROCESSES)
        ]
        for player in players:
            stack.callback(player.kill)

        said = [player.communicate()[0].strip() for player in players]

    assert said == [f"{share} histories agree"] * PROCESSES


def test_a_failing_history_is_made_as_short_as_it_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Play, "_cancel", _breaks)
    seed = next(seed for seed in range(100) if ["cancel", True] in drawing.history(seed)["steps"])

    short = drawing.shortest(drawing.history(seed))

    assert (short["payments"], [step[0] for step in short["steps"]]) == ([], ["cancel"])
    assert drawing.play(short) == "broken on purpose"


def _breaks(_: Play, by_staff: bool) -> None:
    del by_staff
    raise DisagreementError("broken on purpose")


NUMBERS: Final = st.integers(0, 3)


class Histories(RuleBasedStateMachine):
    """The same steps, chosen by Hypothesis, which finds other corners and shrinks what fails."""

    def __init__(self) -> None:
        super().__init__()
        self.told: History = {}
        self.play: Play | None = None

    @initialize(
        policy=st.sampled_from(drawing.POLICIES),
        expires_at=st.sampled_from([None, 2, 4, 6]),
        minors=st.sampled_from(drawing.BEGINNINGS),
        method=st.sampled_from(drawing.METHODS),
    )
    def begins(self, policy: str, expires_at: int | None, minors: list[int], method: str) -> None:
        """Begin."""
        payments = [[minor, method] for minor in minors]
        self.told = {"policy": policy, "expires_at": expires_at, "payments": payments, "steps": []}
        self.play = Play(self.told)

    def take(self, *step: Any) -> None:  # noqa: ANN401 - JSON
        """Take a step and remember it."""
        taken: Step = list(step)
        self.told["steps"].append(taken)
        note(json.dumps(self.told))
        assert self.play is not None
        self.play.take(taken)

    @rule(number=NUMBERS, told=st.lists(st.sampled_from(drawing.TOLD), min_size=1, max_size=3))
    def report(self, number: int, told: list[Any]) -> None:
        """A gateway says something."""
        self.take("report", number, told)

    @rule(number=NUMBERS, status=st.sampled_from(drawing.REFUND_NEWS))
    def refund_news(self, number: int, status: str) -> None:
        """A gateway says what became of a refund."""
        self.take("refund_news", number, status)

    @rule(minor=st.sampled_from(drawing.AMOUNTS), method=st.sampled_from(drawing.METHODS))
    def open(self, minor: int | None, method: str) -> None:
        """A shopper begins to pay."""
        self.take("open", minor, method)

    @rule(number=NUMBERS, minor=st.sampled_from(drawing.AMOUNTS))
    def refund(self, number: int, minor: int | None) -> None:
        """Staff gives back."""
        self.take("refund", number, minor)

    @rule(number=NUMBERS, word=st.sampled_from(drawing.WORDS))
    def resolve(self, number: int, word: str) -> None:
        """Staff gives held money a place."""
        self.take("resolve", number, word)

    @rule(by_staff=st.booleans())
    def cancel(self, by_staff: bool) -> None:
        """Somebody gives the order up."""
        self.take("cancel", by_staff)

    @rule()
    def expire(self) -> None:
        """The clock looks at the order."""
        self.take("expire")

    @rule(status=st.sampled_from(drawing.GOODS))
    def fulfill(self, status: str) -> None:
        """The goods move."""
        self.take("fulfill", status)


def test_histories_of_hypothesis_agree_with_the_reference() -> None:
    run_state_machine_as_test(Histories, settings=settings(examples(EXAMPLES), stateful_step_count=STEPS))
