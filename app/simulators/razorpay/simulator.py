"""The simulator of Razorpay: one account, its shoppers and their banks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, Final

from starlette.routing import Route

from app.simulators.kit import (
    Control,
    ControlError,
    MishapError,
    PaymentTruth,
    RefundTruth,
    Simulator,
    SimulatorConfig,
)
from app.simulators.razorpay.account import account_of, new_word
from app.simulators.razorpay.book import ORDER_PAID, Book
from app.simulators.razorpay.errors import trouble_response
from app.simulators.razorpay.hosted import CHECKOUT_PATH, PAY_PATH, HostedCheckout
from app.simulators.razorpay.rest import RestApi
from app.simulators.razorpay.webhooks import event_of, headers_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from starlette.responses import Response

    from app.simulators.kit import Event
    from app.simulators.razorpay.objects import Dispute, Order, Payment, QrCode, Refund

METHODS: Final = ("card", "upi", "netbanking", "wallet")
_REFUNDS: Final = {"pending": "PENDING", "processed": "SUCCEEDED", "failed": "FAILED"}
_DISPUTES: Final = {"won": "WON", "lost": "LOST"}


class RazorpaySimulator(Simulator):
    """Razorpay, for one account in test mode. A payment's reference is its order's id, or its QR code's.

    A normal refund is processed after `refund_seconds`; never when None. `resolve` with DECLINED on what is only
    authorised has it returned, as Razorpay does when it was not captured in time.
    """

    name: ClassVar[str] = "razorpay"
    operations: ClassVar[frozenset[str]] = frozenset(
        {"create", "create_upi", "create_qr", "lookup", "fetch", "capture", "cancel", "refund"}
    )

    def __init__(self, config: SimulatorConfig, url: str) -> None:
        super().__init__(config, url)
        self.account = account_of(config.secrets)
        self.refund_seconds: float | None = 0.3
        self.book = Book(
            lambda name, entities: self.emit(event_of(self.account, name, entities)), self._process_later
        )

    def merchant_settings(self) -> Mapping[str, str]:
        """Return what a merchant is told to enter."""
        return {
            "key_id": self.account.key_id,
            "key_secret": self.account.key_secret,
            "webhook_secrets": self.account.webhook_secret,
            "api_base": self.url,
        }

    def routes(self) -> Sequence[Route]:
        """Return the REST API and the hosted checkout."""
        hosted = HostedCheckout(self.account, self.book)
        return [
            Route(CHECKOUT_PATH, hosted.show, methods=["POST"]),
            Route(PAY_PATH, hosted.pay, methods=["POST"]),
            *RestApi(self.account, self.book, self.operate).routes(),
        ]

    def sign(self, event: Event) -> Mapping[str, str]:
        """Return the signature over the body, and the event's id."""
        return headers_of(event, self.account.webhook_secret)

    def rotate(self) -> Mapping[str, str]:
        """Sign webhooks with a new secret from now on."""
        self.account.webhook_secret = new_word()
        return {"webhook_secrets": self.account.webhook_secret}

    def pay(self, reference: str, outcome: Control, method: str | None) -> None:
        """Have a shopper pay: by the UPI link that was made for the order, or as the checkout would."""
        holder = self._payable(reference)
        if method is not None and method not in METHODS:
            raise ControlError(f"method is one of {', '.join(METHODS)}.", 400)
        payment = self._linked(holder, method) or self.book.start(holder, self._method(holder, method))
        if outcome is Control.SUCCEEDS:
            self.book.authorize(payment)
        elif outcome is Control.DECLINED:
            self.book.decline(payment)

    def mischarge(self, reference: str, amount_minor: int) -> None:
        """Have a shopper pay another amount."""
        holder = self._payable(reference)
        payment = self.book.start(holder, self._method(holder, None))
        payment.amount = amount_minor
        self.book.authorize(payment)

    def resolve(self, reference: str, outcome: Control) -> None:
        """End what is open; or say yes to what had failed, or return what is only authorised."""
        payments = self.book.payments_of(self._holder(reference))
        if outcome is Control.SUCCEEDS:
            self.book.authorize(_newest(payments, "created", "failed"))
            return
        payment = _newest(payments, "created", "authorized")
        if payment.status == "authorized":
            self.book.give_back(payment)
        else:
            self.book.decline(payment)

    def dispute(self, reference: str) -> str:
        """Have the shopper contest what was captured."""
        captured = [each for each in self.book.payments_of(self._holder(reference)) if each.captured]
        if not captured:
            raise ControlError("Nothing was captured.")
        return self.book.open_dispute(captured[-1]).id

    def close_dispute(self, reference: str, outcome: Control) -> None:
        """Have the bank decide on the newest dispute."""
        disputes = self._disputes(self.book.payments_of(self._holder(reference)))
        if not disputes or disputes[-1].status != "open":
            raise ControlError("There is no open dispute.")
        self.book.close_dispute(disputes[-1], won=outcome is Control.WON)

    def fail_refund(self, reference: str) -> None:
        """Have the newest refund fail, unless it was processed: that is the end of a refund here.

        Source: razorpay.com/docs/api/refunds/entity, `status`, read in November 2026.
        """
        refunds = self._refunds(self.book.payments_of(self._holder(reference)))
        if not refunds or refunds[-1].status != "pending":
            raise ControlError("There is no refund that could fail.")
        self.book.fail_refund(refunds[-1])

    def truth(self) -> Sequence[PaymentTruth]:
        """Return every order and code."""
        holders: list[Order | QrCode] = [*self.book.orders.values(), *self.book.codes.values()]
        return [self._truth_of(holder) for holder in holders]

    def refusal(self, error: MishapError) -> Response:
        """Return Razorpay's words for a call that chaos made fail."""
        return trouble_response(error.status)

    def _process_later(self, process: Callable[[], None]) -> None:
        if self.refund_seconds is not None:
            asyncio.get_running_loop().call_later(self.refund_seconds, process)

    def _holder(self, reference: str) -> Order | QrCode:
        holder = self.book.orders.get(reference) or self.book.codes.get(reference)
        if holder is None:
            raise ControlError("There is no such order or QR code.", 404)
        return holder

    def _payable(self, reference: str) -> Order | QrCode:
        holder = self._holder(reference)
        if holder.status in ("paid", "closed"):
            raise ControlError(ORDER_PAID if holder.status == "paid" else "The QR code is closed.")
        return holder

    def _linked(self, holder: Order | QrCode, method: str | None) -> Payment | None:
        """Return the payment whose UPI link the shopper has, if it is by UPI that they pay."""
        waiting = [
            each
            for each in self.book.payments_of(holder)
            if each.status == "created" and each.flow == "intent"
        ]
        return waiting[-1] if waiting and method in (None, "upi") else None

    def _method(self, holder: Order | QrCode, method: str | None) -> str:
        if holder.id in self.book.codes:
            return "upi"
        return method or "card"

    def _refunds(self, payments: Iterable[Payment]) -> list[Refund]:
        ids = {payment.id for payment in payments}
        return [each for each in self.book.refunds.values() if each.payment_id in ids and each.counts]

    def _disputes(self, payments: Iterable[Payment]) -> list[Dispute]:
        ids = {payment.id for payment in payments}
        return [each for each in self.book.disputes.values() if each.payment_id in ids]

    def _truth_of(self, holder: Order | QrCode) -> PaymentTruth:
        payments = self.book.payments_of(holder)
        return PaymentTruth(
            reference=holder.id,
            own_id=holder.notes.get("payment_id"),
            currency=self.book.orders[holder.id].currency if holder.id in self.book.orders else "INR",
            amount_minor=holder.amount,
            held_minor=sum(each.amount for each in payments if each.status == "authorized"),
            captured_minor=sum(each.amount for each in payments if each.captured),
            refunds=tuple(
                RefundTruth(
                    id=refund.id,
                    own_id=refund.notes.get("refund_id"),
                    amount_minor=refund.amount,
                    status=_REFUNDS[refund.status],
                )
                for refund in self._refunds(payments)
            ),
            disputes={each.id: _DISPUTES.get(each.status, "OPEN") for each in self._disputes(payments)},
        )


def _newest(payments: Iterable[Payment], *statuses: str) -> Payment:
    """Return the newest payment in the first of the statuses in which there is one."""
    for status in statuses:
        waiting = [payment for payment in payments if payment.status == status]
        if waiting:
            return waiting[-1]
    raise ControlError("There is nothing that the bank could decide.")
