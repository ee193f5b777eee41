"""What banks do by themselves, a while after: a dispute comes up, a refund that had gone through fails."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from app.simulators.kit.agenda import Agenda
from app.simulators.sandbox import transitions

if TYPE_CHECKING:
    from app.simulators.sandbox.book import Book
    from app.simulators.sandbox.objects import Payment

RETRY_SECONDS: Final = 5.0
_log = logging.getLogger(__name__)


class Afterwards:
    """Looks at a payment again some seconds after it changed; what is due follows from the payment alone."""

    def __init__(self, book: Book, after_seconds: float) -> None:
        self._book = book
        self._after_seconds = after_seconds
        self._agenda: Agenda[str] = Agenda()

    def consider(self, payment: Payment) -> None:
        """Note a payment that something will still happen to."""
        if transitions.afterwards(payment, lambda: payment.created):
            self._agenda.put(payment.id, self._after_seconds)

    async def run(self) -> None:
        """Let things happen for ever, beginning with what a restart interrupted."""
        for payment in self._book.payments.values():
            self.consider(payment)
        while True:
            payment_id = await self._agenda.next()
            steps = transitions.afterwards(self._book.payments[payment_id], self._book.now)
            try:
                self._book.commit(steps)
            except OSError:
                # The log could not take it, so it has not happened yet.
                _log.exception("What follows for %s could not be written to the log.", payment_id)
                self._agenda.put(payment_id, RETRY_SECONDS)
