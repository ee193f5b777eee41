"""Webhooks: every event is posted until the merchant answers 2xx, and signed anew each time.

The first repetitions follow at once, so that a demo or a test whose server was away for a moment recovers at
once; then at most a minute passes between two, for three days.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

import httpx2

from app.simulators.kit.agenda import Agenda
from app.simulators.kit.tls import trusted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from app.simulators.kit.chaos import Chaos

CONCURRENCY_MAX: Final = 8
TIMEOUT_SECONDS: Final = 5.0
RETRY_FIRST_SECONDS: Final = 0.25
RETRY_SECONDS_MAX: Final = 60.0
ATTEMPTS_MAX: Final = 3 * 24 * 60


class DeliveryStatus(StrEnum):
    """What became of an event's webhook."""

    PENDING = "pending"
    DELIVERED = "delivered"
    LOST = "lost"
    """Dropped on the way, by request; the gateway believes that it arrived."""
    ABANDONED = "abandoned"
    """Refused for days."""


class Parcel(Protocol):
    """What is delivered."""

    @property
    def body(self) -> bytes:
        """What is posted."""

    @property
    def delivery(self) -> DeliveryStatus:
        """What became of it so far."""


_Parcel = TypeVar("_Parcel", bound=Parcel)


@dataclass(frozen=True, slots=True)
class Posted(Generic[_Parcel]):
    """One try. `status` is the answer's, None when there was none; `delivery` is what became of the parcel by it."""

    parcel: _Parcel
    status: int | None
    error: str | None
    duplicate: bool
    delivery: DeliveryStatus


@dataclass(frozen=True, slots=True)
class _Delivery(Generic[_Parcel]):
    parcel: _Parcel
    tries: int
    duplicate: bool


class Deliverer(Generic[_Parcel]):
    """Posts parcels to one endpoint, a few at a time.

    `headers` signs a parcel as it is sent; `chaos` is asked anew for each; `note` is told of every try.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Callable[[_Parcel], Mapping[str, str]],
        chaos: Callable[[], Chaos],
        note: Callable[[Posted[_Parcel]], None],
    ) -> None:
        self._url = url
        self._headers = headers
        self._chaos = chaos
        self._told = note
        self._agenda: Agenda[_Delivery[_Parcel]] = Agenda()

    def enqueue(self, parcel: _Parcel) -> None:
        """Have a parcel delivered, once or as often as the chaos wants."""
        chaos = self._chaos()
        self._agenda.put(_Delivery(parcel, 0, duplicate=False), chaos.delay_seconds())
        for _ in range(chaos.duplicate):
            self._agenda.put(_Delivery(parcel, 0, duplicate=True), chaos.delay_seconds())

    async def run(self, owed: Iterable[_Parcel] = ()) -> None:
        """Deliver for ever, beginning with what is still owed."""
        for parcel in owed:
            self.enqueue(parcel)
        slots = asyncio.Semaphore(CONCURRENCY_MAX)
        limits = httpx2.Limits(max_connections=CONCURRENCY_MAX)
        # What the environment says about proxies is not meant for the merchant next door.
        client = httpx2.AsyncClient(limits=limits, timeout=TIMEOUT_SECONDS, trust_env=False, verify=trusted())
        async with client, asyncio.TaskGroup() as group:
            while True:
                delivery = await self._agenda.next()
                await slots.acquire()
                task = group.create_task(self._deliver(client, delivery))
                task.add_done_callback(lambda _: slots.release())

    async def _deliver(self, client: httpx2.AsyncClient, delivery: _Delivery[_Parcel]) -> None:
        parcel = delivery.parcel
        if self._chaos().drops():
            self._note(delivery, None, "dropped by chaos", DeliveryStatus.LOST)
            return
        status, error = await self._post(client, parcel)
        tries = delivery.tries + 1
        if status is not None and 200 <= status < 300:  # noqa: PLR2004 - HTTP's range of success
            self._note(delivery, status, None, DeliveryStatus.DELIVERED)
        elif delivery.duplicate:
            self._note(delivery, status, error, parcel.delivery)
        elif tries >= ATTEMPTS_MAX:
            self._note(delivery, status, error, DeliveryStatus.ABANDONED)
        else:
            self._note(delivery, status, error, DeliveryStatus.PENDING)
            self._agenda.put(_Delivery(parcel, tries, duplicate=False), retry_seconds(tries))

    async def _post(self, client: httpx2.AsyncClient, parcel: _Parcel) -> tuple[int | None, str | None]:
        headers = self._headers(parcel)
        try:
            async with (
                asyncio.timeout(TIMEOUT_SECONDS),
                client.stream("POST", self._url, content=parcel.body, headers=headers) as response,
            ):
                return (
                    response.status_code,
                    None if response.is_success else f"answered {response.status_code}",
                )
        except Exception as error:  # noqa: BLE001 - whatever goes wrong with one delivery, it is tried again
            return None, type(error).__name__

    def _note(
        self, delivery: _Delivery[_Parcel], status: int | None, error: str | None, outcome: DeliveryStatus
    ) -> None:
        self._told(Posted(delivery.parcel, status, error, delivery.duplicate, outcome))


def retry_seconds(tries: int) -> float:
    """Return how long to wait after so many tries: doubling, capped, and jittered by up to half."""
    full = min(RETRY_SECONDS_MAX, RETRY_FIRST_SECONDS * 2.0 ** min(tries - 1, 16))
    return full * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, no secret
