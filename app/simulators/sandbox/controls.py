"""The sandbox's control paths, as the other simulators have them; its control key is its secret key."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, ClassVar, Final

from app.simulators.kit.controls import Control, ControlError, Controls, PaymentTruth, RefundTruth, Webhook
from app.simulators.sandbox import cards, transitions
from app.simulators.sandbox.chaos import Operation
from app.simulators.sandbox.deliverer import signature
from app.simulators.sandbox.errors import ApiError
from app.simulators.sandbox.objects import PaymentStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from app.simulators.kit.chaos import Chaos
    from app.simulators.sandbox.account import Account
    from app.simulators.sandbox.book import Event
    from app.simulators.sandbox.objects import Payment
    from app.simulators.sandbox.transitions import Step

_CARDS: Final = {
    Control.SUCCEEDS: "4242424242424242",
    Control.DECLINED: "4000000000000002",
    Control.ASKS: "4000002500003155",
    Control.PENDS: "4000002500003155",
}
_REFUND_STATUSES: Final = {"succeeded": "SUCCEEDED", "failed": "FAILED", "pending": "PENDING"}


class SandboxControls(Controls):
    """One account, controlled. The sandbox has no bank that takes its time: what PENDS waits as what ASKS does."""

    operations: ClassVar[Sequence[str]] = list(Operation)

    def __init__(self, account: Account) -> None:
        self._account = account
        self._book = account.book

    @property
    def control_key(self) -> str:
        """Return the secret key."""
        return self._account.config.secret_key

    @property
    def chaos(self) -> Chaos:
        """Return what is to go wrong at present."""
        return self._account.chaos

    @chaos.setter
    def chaos(self, chaos: Chaos) -> None:
        self._account.chaos = chaos

    def pay(self, reference: str, outcome: Control, method: str | None) -> None:
        """Have a shopper pay with the card for it."""
        del method  # there are only cards
        card = cards.use_card(_CARDS[outcome])
        assert card is not None, "a test card's number is one"  # noqa: S101 - of the table above
        self._do(lambda payment: transitions.pay(payment, card, self._book.now), reference)

    def mischarge(self, reference: str, amount_minor: int) -> None:
        """Have a shopper pay another amount."""
        card = cards.use_card(_CARDS[Control.SUCCEEDS])
        assert card is not None, "a test card's number is one"  # noqa: S101 - of the table above
        self._do(
            lambda payment: transitions.mischarge(payment, card, amount_minor, self._book.now), reference
        )

    def resolve(self, reference: str, outcome: Control) -> None:
        """Have the shopper authenticate or not, or pay after all what was declined."""
        succeeds = outcome is Control.SUCCEEDS
        if self._payment(reference).status is PaymentStatus.REQUIRES_ACTION:
            self._do(
                lambda payment: transitions.authenticate(payment, self._book.now, completed=succeeds),
                reference,
            )
        else:
            self.pay(reference, outcome, None)

    def dispute(self, reference: str) -> str:
        """Have the shopper dispute what was captured."""
        self._do(lambda payment: transitions.dispute(payment, self._book.now), reference)
        return self._payment(reference).disputes[-1].id

    def close_dispute(self, reference: str, outcome: Control) -> None:
        """Have the newest dispute end."""
        won = outcome is Control.WON
        self._do(
            lambda payment: transitions.close_dispute(
                payment, payment.disputes[-1].id if payment.disputes else "none", self._book.now, won=won
            ),
            reference,
        )

    def fail_refund(self, reference: str) -> None:
        """Have the newest refund fail."""
        self._do(lambda payment: transitions.fail_refund(payment, self._book.now), reference)

    def truth(self) -> Sequence[PaymentTruth]:
        """Return what really happened."""
        return [_truth(payment) for payment in self._book.payments.values()]

    def webhooks(self) -> Iterable[Webhook]:
        """Return every event, signed now."""
        return (self._webhook(event, event.body) for event in self._book.events)

    def signed(self, event_id: str, body: bytes) -> Webhook:
        """Return an event with another body."""
        event = self._book.event(event_id)
        if event is None:
            raise ControlError("There is no such event.", 404)
        return self._webhook(event, body)

    def rotate(self) -> Mapping[str, str]:
        """Sign webhooks with a new secret from now on."""
        self._account.webhook_secret = secrets.token_urlsafe(24)
        return {"webhook_secrets": self._account.webhook_secret}

    def _webhook(self, event: Event, body: bytes) -> Webhook:
        signed = signature(self._account.webhook_secret, body, int(time.time()))
        return Webhook(
            id=event.id,
            type=event.type,
            headers={"Content-Type": "application/json", "Sandbox-Signature": signed},
            body=body,
            delivery=event.delivery,
            tries=event.attempts_made,
        )

    def deliver(self, event_id: str) -> bool:
        """Post an event once more."""
        event = self._book.event(event_id)
        if event is not None:
            self._book.on_event(event)
        return event is not None

    def _do(self, work: Callable[[Payment], Sequence[Step]], reference: str) -> None:
        try:
            self._book.commit(work(self._payment(reference)))
        except ApiError as refusal:
            raise ControlError(refusal.message) from None

    def _payment(self, reference: str) -> Payment:
        payment = self._book.payments.get(reference)
        if payment is None:
            raise ControlError("There is no such payment.", 404)
        return payment


def _truth(payment: Payment) -> PaymentTruth:
    return PaymentTruth(
        reference=payment.id,
        own_id=payment.metadata.get("payment_id"),
        currency=payment.currency,
        amount_minor=payment.amount,
        held_minor=payment.held,
        captured_minor=payment.captured,
        refunds=tuple(
            RefundTruth(
                id=refund.id,
                own_id=refund.metadata.get("refund_id"),
                amount_minor=refund.amount,
                status=_REFUND_STATUSES[refund.status],
            )
            for refund in payment.refunds
        ),
        disputes={dispute.id: dispute.status.upper() for dispute in payment.disputes},
    )
