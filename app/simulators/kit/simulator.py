"""What the simulators of real gateways have in common: events, their delivery, chaos, and the paths to control them.

A simulator speaks a gateway's documented REST API and signs its webhooks; all it knows is in memory.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Final

from starlette.applications import Starlette

from app.simulators.kit.chaos import Chaos
from app.simulators.kit.controls import ControlError, Controls, Webhook, control_error
from app.simulators.kit.deliverer import Deliverer, DeliveryStatus
from app.simulators.kit.mishaps import MishapError, disturbed, spoiled
from app.simulators.kit.shopper import Shopper

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from app.simulators.kit.chaos import Mishap
    from app.simulators.kit.deliverer import Posted

EVENTS_MAX: Final = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig:
    """What a simulator is started with. Without a `webhook_url`, events wait to be fetched from `/_sim/events`.

    `secrets` are the account's, named as the gateway names them; what is missing is made up, and printed.
    """

    control_key: str = field(repr=False)
    webhook_url: str | None = None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(slots=True, kw_only=True)
class Event:
    """A webhook: its raw body, and what became of it. `id` is the gateway's own of it, or one made up."""

    id: str
    type: str
    body: bytes
    content_type: str = "application/json"
    delivery: DeliveryStatus = DeliveryStatus.PENDING
    tries: int = 0


class Simulator(Controls):
    """One merchant's account at one gateway."""

    name: ClassVar[str]
    """As the module is called."""
    operations: ClassVar[frozenset[str]]
    """What chaos may make fail: create, fetch, capture, cancel and refund at least, where the gateway has them."""

    def __init__(self, config: SimulatorConfig, url: str) -> None:
        """`url` is where it is reached."""
        self.config = config
        self.url = url
        self.chaos = Chaos()
        self.events: dict[str, Event] = {}
        self._deliverer: Deliverer[Event] | None = None
        if config.webhook_url is not None:
            self._deliverer = Deliverer(
                config.webhook_url, headers=self._headers, chaos=lambda: self.chaos, note=self._note
            )

    @abstractmethod
    def merchant_settings(self) -> Mapping[str, str]:
        """Return what a merchant is told to enter: this server's settings, without the gateway's name in front.

        E.g. `{"key_id": …, "webhook_secrets": …, "api_base": …}` for ORDERPULSE_RAZORPAY_KEY_ID and so on.
        """

    def notes(self) -> Sequence[str]:
        """Return what else a merchant may want to know about this account, a sentence each."""
        return ()

    @abstractmethod
    def routes(self) -> Sequence[Route]:
        """Return the gateway's own paths, as its documentation has them."""

    @abstractmethod
    def sign(self, event: Event) -> Mapping[str, str]:
        """Return the headers that prove an event, signed now. One that is signed inside its body adds none."""

    def remade(self, event: Event, body: bytes) -> Event:
        """Return an event with another body. One that is signed inside its body is signed anew."""
        return replace(event, body=body)

    @abstractmethod
    def refusal(self, error: MishapError) -> Response:
        """Return the gateway's own answer for a call that chaos made fail, e.g. a 429 or a 500."""

    def emit(self, event: Event) -> None:
        """Note an event, and send it."""
        if len(self.events) >= EVENTS_MAX:
            raise ControlError(f"The simulator holds {EVENTS_MAX} events. Start a new one.", 503)
        self.events[event.id] = event
        if self._deliverer is not None:
            self._deliverer.enqueue(event)

    async def operate(self, operation: str, request: Request, work: Callable[[], Response]) -> Response:
        """Answer one API call: `work` is done at once and in one go, with the chaos of the moment around it."""
        mishap: Mishap | None = await disturbed(self.chaos, request, operation)
        done = work()
        return await spoiled(request, mishap) or done

    def app(self) -> Starlette:
        """Return what is served."""

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            delivering = asyncio.create_task(self._deliverer.run()) if self._deliverer else None
            try:
                yield
            finally:
                if delivering is not None:
                    delivering.cancel()
                    await asyncio.gather(delivering, return_exceptions=True)

        async def refused(_: Request, error: Exception) -> Response:
            assert isinstance(error, MishapError)  # noqa: S101 - Starlette's table of handlers loses the type
            return self.refusal(error)

        return Starlette(
            routes=[*self.routes(), *Shopper(self.name, self).routes(), *self.control_routes()],
            lifespan=lifespan,
            exception_handlers={MishapError: refused, ControlError: control_error},
        )

    def _headers(self, event: Event) -> Mapping[str, str]:
        return {
            "Content-Type": event.content_type,
            "User-Agent": f"{self.name}-simulator/1",
            **self.sign(event),
        }

    def _note(self, posted: Posted[Event]) -> None:
        posted.parcel.tries += 1
        if posted.parcel.delivery is not DeliveryStatus.DELIVERED:
            posted.parcel.delivery = posted.delivery

    @property
    def control_key(self) -> str:
        """Return what the control paths are opened by."""
        return self.config.control_key

    def webhooks(self) -> Iterable[Webhook]:
        """Return every event, signed now."""
        return map(self._webhook, self.events.values())

    def signed(self, event_id: str, body: bytes) -> Webhook:
        """Return an event with another body."""
        if event_id not in self.events:
            raise ControlError("There is no such event.", 404)
        return self._webhook(self.remade(self.events[event_id], body))

    def _webhook(self, event: Event) -> Webhook:
        return Webhook(
            id=event.id,
            type=event.type,
            headers=self._headers(event),
            body=event.body,
            delivery=event.delivery,
            tries=event.tries,
        )

    def deliver(self, event_id: str) -> bool:
        """Post an event once more."""
        event = self.events.get(event_id)
        if event is None or self._deliverer is None:
            return False
        self._deliverer.enqueue(event)
        return True
