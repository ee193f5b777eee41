"""The circuit breaker: a gateway that does not answer is left alone for a while, and comes back by itself.

A gateway that is down would hold every shopper for as long as a call may take, and gets no better by being asked.
After some failures in a row nothing is sent for some seconds; then one call at a time is let through, and the first
that is answered lets all of them through again. An answer is an answer, refusals included.
Source: Nygard, "Release It!", second edition, 2018, "Circuit Breaker".
"""

from __future__ import annotations

import logging
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from app.gateways.contract import NO_REFERENCE, GatewayError, GatewayErrorKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from datetime import datetime

    from app.domain.states import GatewayName, PaymentMethodType
    from app.gateways.contract import (
        CaptureRequest,
        CreateRequest,
        Gateway,
        GatewayAnswer,
        Notification,
        PaymentHandle,
        RefundRequest,
        Verified,
    )
    from app.gateways.offers import Limits
    from app.gateways.polling import PollSchedule

log = logging.getLogger(__name__)

CIRCUIT_OPEN: Final = "circuit_open"
"""The code of the error for a call that was not sent."""
_SILENT: Final = frozenset({GatewayErrorKind.UNKNOWN, GatewayErrorKind.UNAVAILABLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerLimits:
    """When a gateway is left alone, and for how long."""

    failures: int = 5
    """In a row, without an answer."""
    rest_seconds_first: float = 5.0
    rest_seconds_max: float = 60.0
    """It doubles from one rest to the next, until a call is answered."""


class Breaker:
    """Whether one gateway may be called, as far as this process knows."""

    def __init__(
        self, name: str, limits: BreakerLimits | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._name = name
        self._limits = limits or BreakerLimits()
        self._clock = clock
        self._failures = 0
        self._rests = 0
        self._rests_until = 0.0
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether calls are held back: the gateway rests, or is just being tried."""
        return self._rests > 0

    @property
    def takes_calls(self) -> bool:
        """Whether a call would be sent now."""
        return not self.is_open or (not self._probing and self._clock() >= self._rests_until)

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """Make one call inside the block.

        Raises:
            GatewayError: UNAVAILABLE with the code `circuit_open`: it was not sent.
        """
        probes = self._admit()
        try:
            yield
        except GatewayError as error:
            if error.kind not in _SILENT:
                self._answered()
            elif error.code != NO_REFERENCE:  # that one was never sent
                self._failed(error)
            raise
        else:
            self._answered()
        finally:
            if probes:
                self._probing = False

    def _admit(self) -> bool:
        """Let a call pass, and return whether it is the one that tries."""
        if not self.takes_calls:
            left = max(self._rests_until - self._clock(), 0.1)
            raise GatewayError(
                GatewayErrorKind.UNAVAILABLE,
                f"{self._name} did not answer lately and is left alone for a moment.",
                code=CIRCUIT_OPEN,
                retry_after_seconds=left,
            )
        if not self.is_open:
            return False
        self._probing = True
        return True

    def _failed(self, error: GatewayError) -> None:
        self._failures += 1
        if self._failures < self._limits.failures and not self.is_open:
            return
        doubled = self._limits.rest_seconds_first * 2.0 ** min(self._rests, 16)
        seconds = max(min(doubled, self._limits.rest_seconds_max), error.retry_after_seconds or 0.0)
        if not self.is_open:
            log.warning("gateway.left_alone", extra={"gateway": self._name, "seconds": seconds})
        # Calls that were under way when it opened tell nothing new when they fail, too.
        if self._clock() >= self._rests_until:
            self._rests += 1
            self._rests_until = self._clock() + seconds

    def _answered(self) -> None:
        if self.is_open:
            log.info("gateway.back", extra={"gateway": self._name})
        self._failures = self._rests = 0
        self._rests_until = 0.0


class GuardedGateway:
    """A gateway behind its breaker. What needs no call passes untouched."""

    def __init__(self, gateway: Gateway, breaker: Breaker | None = None) -> None:
        self._gateway = gateway
        self.breaker = breaker or Breaker(gateway.name)
        self.name: GatewayName = gateway.name
        self.methods: tuple[PaymentMethodType, ...] = gateway.methods
        self.currencies: tuple[str, ...] = gateway.currencies
        self.limits: Mapping[str, Limits] = gateway.limits
        self.polling: PollSchedule = gateway.polling
        self.signature_header = gateway.signature_header
        self.releases = gateway.releases

    @property
    def available(self) -> bool:
        """Whether it answered lately, or may be tried again."""
        return self.breaker.takes_calls

    def public_config(self) -> Mapping[str, Any]:
        """Return what a browser may know."""
        return self._gateway.public_config()

    async def create(self, request: CreateRequest) -> GatewayAnswer:
        """Open a payment."""
        async with self.breaker.call():
            return await self._gateway.create(request)

    async def confirm(self, payment: PaymentHandle, data: Mapping[str, Any], key: str) -> GatewayAnswer:
        """Take what a browser handed back."""
        async with self.breaker.call():
            return await self._gateway.confirm(payment, data, key)

    async def complete(self, payment: PaymentHandle, key: str) -> GatewayAnswer:
        """Take what was left to us."""
        async with self.breaker.call():
            return await self._gateway.complete(payment, key)

    async def capture(self, request: CaptureRequest) -> GatewayAnswer:
        """Capture."""
        async with self.breaker.call():
            return await self._gateway.capture(request)

    async def cancel(self, payment: PaymentHandle, reason: str | None, key: str) -> GatewayAnswer:
        """Give up."""
        async with self.breaker.call():
            return await self._gateway.cancel(payment, reason, key)

    async def refund(self, request: RefundRequest) -> GatewayAnswer:
        """Give back."""
        async with self.breaker.call():
            return await self._gateway.refund(request)

    async def fetch(self, payment: PaymentHandle) -> GatewayAnswer:
        """Ask."""
        async with self.breaker.call():
            return await self._gateway.fetch(payment)

    async def missed(self, since: datetime) -> AsyncIterator[Notification]:
        """List."""
        async with self.breaker.call():
            async for event in self._gateway.missed(since):
                yield event

    async def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Verified:
        """Check a webhook. Nothing is counted: what can't be checked says little of the gateway's other doors."""
        return await self._gateway.verify(headers, body, now)

    def parse(self, delivery: Verified) -> Notification:
        """Translate a webhook."""
        return self._gateway.parse(delivery)

    async def aclose(self) -> None:
        """Close connections."""
        await self._gateway.aclose()
