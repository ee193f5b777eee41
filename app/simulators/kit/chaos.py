"""Misbehaviour on request: duplicated, delayed, reordered and dropped webhooks, a slow and a failing API.

Nothing here is on by itself, and a restart calms everything. A seed makes the dice fall the same way again.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

DUPLICATES_MAX: Final = 10
DELAY_MS_MAX: Final = 600_000
REORDER_WITHIN_MS: Final = 500


class KnobError(Exception):
    """Settings that can't be: `param` is the knob at fault."""

    def __init__(self, param: str, message: str) -> None:
        super().__init__(f"{param[:32]} {message}.")
        self.param = param[:32]


class Mishap(StrEnum):
    """How the API fails, beside answering with a status."""

    HANG = "hang"
    """Do nothing and never answer."""
    HANG_AFTER = "hang_after"
    """Do what was asked and never answer."""
    GARBAGE_AFTER = "garbage_after"
    """Do what was asked and answer something that is no JSON."""


@dataclass(slots=True)
class Fault:
    """`answer` is a status from 400 on or a mishap; `times` None is until further notice."""

    answer: int | Mishap
    times: int | None


@dataclass(slots=True, kw_only=True)
class Chaos:
    """What is to go wrong at present."""

    duplicate: int = 0
    delay_ms: tuple[int, int] | None = None
    reorder: bool = False
    drop: float = 0.0
    seed: int | None = None
    api_latency_ms: int = 0
    api_fail: dict[str, Fault] = field(default_factory=dict)
    _dice: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)  # noqa: S311 - dice for mischief, no secret

    def delay_seconds(self) -> float:
        """Return how long the next delivery is held back."""
        low, high = self.delay_ms or (0, 0)
        delay_ms = self._dice.uniform(low, high)
        if self.reorder:
            delay_ms += self._dice.uniform(0, REORDER_WITHIN_MS)
        return delay_ms / 1000

    def drops(self) -> bool:
        """Say whether the next delivery gets lost."""
        return self.drop > 0 and self._dice.random() < self.drop

    def fault_of(self, operation: str) -> int | Mishap | None:
        """Return how this call is to fail, and count it."""
        fault = self.api_fail.get(operation)
        if fault is None or fault.times == 0:
            return None
        if fault.times is not None:
            fault.times -= 1
        return fault.answer

    def as_json(self) -> dict[str, Any]:
        """Return the settings as `read_chaos` takes them."""
        return {
            "duplicate": self.duplicate,
            "delay_ms": self.delay_ms,
            "reorder": self.reorder,
            "drop": self.drop,
            "seed": self.seed,
            "api_latency_ms": self.api_latency_ms,
            "api_fail": {
                operation: {"answer": fault.answer, "times": fault.times}
                for operation, fault in self.api_fail.items()
            },
        }


def read_chaos(body: Mapping[str, Any], operations: Collection[str]) -> Chaos:
    """Read settings, e.g. `{"drop": 0.2, "api_fail": {"capture": {"answer": "hang_after", "times": 1}}}`.

    Raises:
        KnobError: there is no such knob, no such operation, or it can't be turned that far.
    """
    unknown = set(body) - {"duplicate", "delay_ms", "reorder", "drop", "seed", "api_latency_ms", "api_fail"}
    if unknown:
        raise KnobError(min(unknown), "is no knob of the chaos")
    return Chaos(
        duplicate=_integer(body, "duplicate", DUPLICATES_MAX),
        delay_ms=_delay(body.get("delay_ms")),
        reorder=_flag(body.get("reorder", False)),
        drop=_probability(body.get("drop", 0.0)),
        seed=_integer(body, "seed", 2**63 - 1) if body.get("seed") is not None else None,
        api_latency_ms=_integer(body, "api_latency_ms", DELAY_MS_MAX),
        api_fail=_faults(body.get("api_fail", {}), operations),
    )


def _integer(body: Mapping[str, Any], name: str, most: int) -> int:
    value = body.get(name, 0)
    if type(value) is not int or not 0 <= value <= most:
        raise KnobError(name, f"must be an integer from 0 to {most}")
    return value


def _delay(value: object) -> tuple[int, int] | None:
    match value:
        case None:
            return None
        case [int(low), int(high)] if 0 <= low <= high <= DELAY_MS_MAX:
            return (low, high)
        case _:
            raise KnobError("delay_ms", f"must be [min, max] in milliseconds, at most {DELAY_MS_MAX}")


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise KnobError("reorder", "must be true or false")
    return value


def _probability(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise KnobError("drop", "must be a probability from 0 to 1")
    return float(value)


def _faults(value: object, operations: Collection[str]) -> dict[str, Fault]:
    if not isinstance(value, dict):
        raise KnobError("api_fail", "must map operations to {answer, times}")
    for name in value:
        if name not in operations:
            raise KnobError("api_fail", f"knows no operation {name[:32]!r}, only {', '.join(operations)}")
    return {name: _fault(fault) for name, fault in value.items()}


def _fault(value: object) -> Fault:
    match value:
        case {"answer": int(status), **rest} if 400 <= status <= 599:  # noqa: PLR2004 - HTTP's range of errors
            answer: int | Mishap = status
        case {"answer": str(word), **rest} if word in set(Mishap):
            answer = Mishap(word)
        case _:
            raise KnobError("api_fail", f"takes as answer a status from 400 to 599, {', '.join(Mishap)}")
    times = rest.get("times")
    if times is not None and (type(times) is not int or times < 1):
        raise KnobError("api_fail", "takes as times an integer from 1, or nothing for until further notice")
    return Fault(answer, times)
