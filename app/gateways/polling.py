"""How often a gateway may be asked: the steps after which a payment is asked after, and the calls that it bears.

Schedules are data, each with the page that it comes from; whoever polls has no numbers of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from app.domain.states import PaymentMethodType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MINUTE: Final = 60.0
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class PollSteps:
    """When one payment is asked after, in seconds since it was opened, rising; then at an interval to the end."""

    offsets_seconds: tuple[float, ...]
    then_every_seconds: float = DAY
    ends_after_seconds: float = 30 * DAY
    """From here on only webhooks and the list of events tell."""
    again_seconds_min: float = 1.0
    """What passes at least between two askings after the same payment, also when the first had no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PollSchedule:
    """What one gateway bears. `jitter` spreads each step over that fraction of the time since the step before."""

    steps: PollSteps
    calls_per_second_max: float
    """Of the reconciler's calls, in all processes together."""
    backfill_every_seconds: float | None
    """How often its list of events is read for what no webhook brought; None where it keeps no such list."""
    jitter: float = 0.1
    webhooks_end_after_seconds: float | None = None
    """After how long without a good answer it sends no more webhooks at all, where it says so."""
    by_method: Mapping[PaymentMethodType, PollSteps] = field(default_factory=lambda: MappingProxyType({}))

    def steps_of(self, method: PaymentMethodType | None) -> PollSteps:
        """Return the steps for a payment by that method."""
        return self.steps if method is None else self.by_method.get(method, self.steps)

    def wait_seconds(
        self, age_seconds: float, method: PaymentMethodType | None, dice: Callable[[], float]
    ) -> float | None:
        """Return how long to wait before a payment of that age is asked after next; None when it is not any more.

        A step is never taken early: `dice`, from 0 to 1, only makes it later.
        """
        steps = self.steps_of(method)
        previous = 0.0
        for offset in steps.offsets_seconds:
            if offset > age_seconds:
                return self._jittered(offset, previous, age_seconds, steps, dice())
            previous = offset
        passed = int((age_seconds - previous) // steps.then_every_seconds)
        previous += passed * steps.then_every_seconds
        following = previous + steps.then_every_seconds
        if following > steps.ends_after_seconds:
            return None
        return self._jittered(following, previous, age_seconds, steps, dice())

    def first_wait_seconds(self, method: PaymentMethodType | None, dice: Callable[[], float]) -> float:
        """Return how long a new payment is left alone."""
        steps = self.steps_of(method)
        return self._jittered(steps.offsets_seconds[0], 0.0, 0.0, steps, dice())

    def _jittered(
        self, offset: float, previous: float, age_seconds: float, steps: PollSteps, thrown: float
    ) -> float:
        late = (offset - previous) * self.jitter * thrown
        # Before the first step nobody has asked yet, so nothing has to lie between.
        least = steps.again_seconds_min if age_seconds >= steps.offsets_seconds[0] else 0.0
        return max(offset - age_seconds, least) + late


UPI_STEPS: Final = PollSteps(
    offsets_seconds=(90.0, 45 * MINUTE, 90 * MINUTE, 6 * HOUR, 12 * HOUR, 24 * HOUR, 48 * HOUR, 72 * HOUR),
    ends_after_seconds=5 * DAY,
    again_seconds_min=41 * MINUTE,
)
"""First after 90 s and at most 3 in 2 h, then Paytm's steps; a debit that failed may still be confirmed or turned back
until the fifth day.

Source: NPCI's circular of 26 April 2025 on status checks; RBI/2019-20/67 of 20 September 2019 on turn-around times;
both read in November 2026.
"""

PAYTM_STEPS: Final = PollSteps(
    offsets_seconds=(
        15 * MINUTE,
        30 * MINUTE,
        1 * HOUR,
        6 * HOUR,
        12 * HOUR,
        24 * HOUR,
        48 * HOUR,
        72 * HOUR,
    ),
    ends_after_seconds=5 * DAY,
    again_seconds_min=15.0,
)
"""Paytm asks the bank for 72 h and then fails the payment; two askings lie at least 15 s apart.

Source: Paytm's documentation of the transaction status API, read in November 2026.
"""

UPI_METHODS: Final = (PaymentMethodType.UPI_INTENT, PaymentMethodType.UPI_QR)
UPI_BY_METHOD: Final[Mapping[PaymentMethodType, PollSteps]] = MappingProxyType(
    dict.fromkeys(UPI_METHODS, UPI_STEPS)
)
"""For the `by_method` of every gateway that takes UPI."""
