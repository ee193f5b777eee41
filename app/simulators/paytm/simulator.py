"""The simulator of Paytm: one account, its shoppers and their banks."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final

from starlette.responses import Response
from starlette.routing import Route

from app.simulators.kit import Control, ControlError, MishapError, PaymentTruth, RefundTruth, Simulator
from app.simulators.kit.controls import json_response
from app.simulators.paytm.account import account_of, new_key
from app.simulators.paytm.book import PENDS, WAITS, Book
from app.simulators.paytm.hosted import PAGE_PATH, PAY_PATH, HostedPage
from app.simulators.paytm.rest import RestApi
from app.simulators.paytm.webhooks import event_of, signed_anew

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.simulators.kit import Event, SimulatorConfig
    from app.simulators.paytm.book import Order, Refund

_MODES: Final = {"card": "CC", "upi": "UPI", "netbanking": "NB", "wallet": "PPI"}
_REFUNDS: Final = {"PENDING": "PENDING", "TXN_SUCCESS": "SUCCEEDED", "TXN_FAILURE": "FAILED"}
_SYSTEM_ERROR: Final = {"resultStatus": "U", "resultCode": "00000900", "resultMsg": "System error"}


class PaytmSimulator(Simulator):
    """Paytm, for one account on staging. A payment's reference is its order's id, which the merchant gives.

    A refund is on its way after `refund_seconds`; never when None.
    """

    name: ClassVar[str] = "paytm"
    operations: ClassVar[frozenset[str]] = frozenset(
        {"create", "process", "create_qr", "fetch", "refund", "fetch_refund"}
    )

    def __init__(self, config: SimulatorConfig, url: str) -> None:
        super().__init__(config, url)
        self.account = account_of(config.secrets)
        self.refund_seconds: float | None = 0.3
        self.book = Book(lambda name, order, thing: self.emit(event_of(self.account, name, order, thing)))

    def merchant_settings(self) -> Mapping[str, str]:
        """Return what a merchant is told to enter."""
        return {
            "mid": self.account.mid,
            "merchant_key": self.account.key,
            "website": "WEBSTAGING",
            "api_base": self.url,
        }

    def routes(self) -> Sequence[Route]:
        """Return the REST API and the payment page."""
        hosted = HostedPage(self.account, self.book)
        return [
            Route(PAGE_PATH, hosted.show, methods=["POST"]),
            Route(PAY_PATH, hosted.pay, methods=["POST"]),
            *RestApi(self.account, self.book, self.operate, self._credit_later).routes(),
        ]

    def sign(self, event: Event) -> Mapping[str, str]:
        """Return nothing: events are signed inside their bodies."""
        del event
        return {}

    def remade(self, event: Event, body: bytes) -> Event:
        """Return an event with another body and its own checksum."""
        return replace(event, body=signed_anew(self.account, body))

    def rotate(self) -> Mapping[str, str]:
        """Begin with a new merchant key, which calls need, too."""
        self.account.key = new_key()
        return {"merchant_key": self.account.key}

    def refusal(self, error: MishapError) -> Response:
        """Return how a call is answered that chaos made fail: in Paytm's words, or by what stands before it."""
        if error.status == 500:  # noqa: PLR2004 - an application that fails answers all the same
            return json_response({"head": {}, "body": {"resultInfo": _SYSTEM_ERROR}})
        return Response(f"<html>{error.status}</html>", error.status, media_type="text/html")

    def pay(self, reference: str, outcome: Control, method: str | None) -> None:
        """Have a shopper pay: an order is tried once."""
        order = self._untried(reference)
        if method is not None and method not in _MODES:
            raise ControlError(f"method is one of {', '.join(_MODES)}.", 400)
        mode = "UPI" if order.method == "UPI" else _MODES[method or "card"]
        self.book.begin(order, mode, PENDS if outcome is Control.PENDS else WAITS)
        if outcome is Control.SUCCEEDS:
            self.book.take(order, order.amount)
        elif outcome is Control.DECLINED:
            self.book.decline(order)

    def mischarge(self, reference: str, amount_minor: int) -> None:
        """Have a shopper pay another amount."""
        order = self._untried(reference)
        self.book.begin(order, "CC", WAITS)
        self.book.take(order, amount_minor)

    def resolve(self, reference: str, outcome: Control) -> None:
        """Have the bank decide on what is open, or say yes late to what it declined."""
        order = self._order(reference)
        if outcome is Control.SUCCEEDS and order.status in ("PENDING", "TXN_FAILURE"):
            self.book.take(order, order.amount)
        elif order.status == "PENDING":
            self.book.decline(order)
        else:
            raise ControlError("There is nothing that the bank could decide.")

    def dispute(self, reference: str) -> str:
        """Have the shopper's bank contest what was taken."""
        order = self._order(reference)
        if not order.taken:
            raise ControlError("Nothing was taken.")
        return self.book.dispute(order).id

    def close_dispute(self, reference: str, outcome: Control) -> None:
        """Have the bank decide on the newest dispute."""
        order = self._order(reference)
        if not order.disputes or order.disputes[-1].status != "NEW":
            raise ControlError("There is no open dispute.")
        self.book.close_dispute(order, won=outcome is Control.WON)

    def fail_refund(self, reference: str) -> None:
        """Have the newest refund fail, unless it is on its way. Of that no webhook tells."""
        refunds = list(self._order(reference).refunds.values())
        if not refunds or refunds[-1].status != "PENDING":
            raise ControlError("There is no refund that could fail.")
        refunds[-1].status = "TXN_FAILURE"

    def truth(self) -> Sequence[PaymentTruth]:
        """Return every order."""
        return [_truth_of(order) for order in self.book.orders.values()]

    def _credit_later(self, order: Order, refund: Refund) -> None:
        if self.refund_seconds is not None:
            asyncio.get_running_loop().call_later(
                self.refund_seconds, lambda: self.book.credit(order, refund)
            )

    def _order(self, reference: str) -> Order:
        order = self.book.orders.get(reference)
        if order is None:
            raise ControlError("There is no such order.", 404)
        return order

    def _untried(self, reference: str) -> Order:
        order = self._order(reference)
        if order.status is not None:
            raise ControlError(f"The order is {order.status}: another try needs another order.")
        return order


def _truth_of(order: Order) -> PaymentTruth:
    return PaymentTruth(
        reference=order.id,
        own_id=order.id,
        currency="INR",
        amount_minor=order.amount,
        held_minor=0,
        captured_minor=order.taken,
        refunds=tuple(
            RefundTruth(
                id=refund.id,
                own_id=refund.ref_id,
                amount_minor=refund.amount,
                status=_REFUNDS[refund.status],
            )
            for refund in order.refunds.values()
        ),
        disputes={dispute.id: _outcome(dispute.status) for dispute in order.disputes},
    )


def _outcome(status: str) -> str:
    return "OPEN" if status == "NEW" else status
