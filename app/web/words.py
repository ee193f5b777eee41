"""The words for states and events.

`words.json` is read here and by the browser's script, so that the page says the same before and after it
went live.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.web.tracked import TrackedOrder

_WORDS: Final[Mapping[str, Any]] = json.loads(Path(__file__).with_name("words.json").read_text("utf-8"))

EVENTS: Final[Mapping[str, str]] = _WORDS["events"]
"""A short sentence for each order event type."""

CONNECTION: Final[Mapping[str, str]] = _WORDS["connection"]
"""What the page says about its connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """What the page says first. `tone` is one of good, wait, stop."""

    tone: str
    headline: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One stop on the order's way; exactly one of a page's steps is the current one."""

    label: str
    done: bool
    current: bool


def headline(order: TrackedOrder) -> Headline:
    """Return the first headline whose conditions hold; the last has none."""
    row = next(row for row in _WORDS["headlines"] if _holds(row["when"], order))
    return Headline(tone=row["tone"], headline=row["headline"], detail=row["detail"])


def steps(order: TrackedOrder) -> list[Step]:
    """Return the order's way. An order that goes no further has its way end at the stop that ended it."""
    marks = [(row["label"], _holds(row["when"], order)) for row in _WORDS["steps"]]
    stop = next((row["label"] for row in _WORDS["stops"] if _holds(row["when"], order)), None)
    if stop is not None:
        marks = [mark for mark in marks if mark[1]] + [(stop, True)]
    current = next((place for place, (_, done) in enumerate(marks) if not done), len(marks) - 1)
    return [
        Step(label=label, done=done, current=place == current) for place, (label, done) in enumerate(marks)
    ]


def pay_label(order: TrackedOrder) -> str:
    """Return what the button that leads to paying says."""
    return str(_WORDS["payAgain"]["again" if last_payment_event(order) in _FAILED else "first"])


def last_payment_event(order: TrackedOrder) -> str:
    """Return the type of the newest event about a payment, or nothing."""
    types = (event.type for event in reversed(order.events))
    return next((type_ for type_ in types if type_.startswith("PAYMENT_")), "")


_FAILED: Final = frozenset({"PAYMENT_FAILED", "PAYMENT_CANCELED", "PAYMENT_EXPIRED"})


def _holds(when: Mapping[str, list[str]], order: TrackedOrder) -> bool:
    values = {
        "status": order.status,
        "paymentStatus": order.payment_status,
        "fulfillmentStatus": order.fulfillment_status,
        "lastPaymentEvent": last_payment_event(order),
    }
    return all(values[axis] in allowed for axis, allowed in when.items())
