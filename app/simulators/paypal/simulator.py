"""One merchant's account at PayPal: its events, and the controls by which payers and PayPal are played."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import orjson

from app.simulators.kit import (
    Control,
    ControlError,
    Event,
    PaymentTruth,
    RefundTruth,
    Simulator,
)
from app.simulators.paypal.access import Repetitions, Tokens
from app.simulators.paypal.account import Authorization, Capture, Dispute, Order, Refund, now
from app.simulators.paypal.book import Book
from app.simulators.paypal.errors import ApiError
from app.simulators.paypal.objects import (
    as_version_1,
    show_authorization,
    show_capture,
    show_dispute,
    show_order,
    show_refund,
    stamp,
)
from app.simulators.paypal.rest import ROOTS_PATH, Rest
from app.simulators.paypal.signer import Signer, first_keys

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.responses import Response
    from starlette.routing import Route

    from app.simulators.kit import MishapError, SimulatorConfig

_REFUND_STATUS = {"COMPLETED": "SUCCEEDED", "PENDING": "PENDING", "FAILED": "FAILED", "CANCELLED": "CANCELED"}


class PayPalSimulator(Simulator):
    """PayPal. Its secrets are `client_id`, `client_secret` and `webhook_id`; what is not given is made up."""

    name = "paypal"
    operations = frozenset(
        "token create fetch capture authorize capture_authorization cancel refund events postback".split()
    )

    def __init__(self, config: SimulatorConfig, url: str) -> None:
        super().__init__(config, url)
        self.client_id = config.secrets.get("client_id") or secrets.token_urlsafe(24)
        self.client_secret = config.secrets.get("client_secret") or secrets.token_urlsafe(24)
        self.webhook_id = config.secrets.get("webhook_id") or secrets.token_hex(9).upper()
        self.resource_version = "2.0"
        """What captures, refunds and authorisations are written as in webhooks: 1.0 or 2.0."""
        self.told: list[dict[str, Any]] = []
        self.tokens = Tokens(self.client_id, self.client_secret)
        self.repetitions = Repetitions()
        self.book = Book(url, self._tell)
        authority, key = first_keys()
        self.signer = Signer(self.webhook_id, self._certificate_url(), authority=authority, key=key)
        self.former_signers: list[Signer] = []

    def merchant_settings(self) -> Mapping[str, str]:
        """Return what a merchant is told to enter. Webhooks are checked by asking: the authority here is nobody's."""
        return {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "webhook_id": self.webhook_id,
            "webhook_check": "postback",
            "api_base": self.url,
        }

    def notes(self) -> Sequence[str]:
        """Say how webhooks are checked without asking."""
        offline = (
            f"To check webhooks offline, save the authority ({self.url}{ROOTS_PATH}) in a file, name it in "
            "ORDERPULSE_PAYPAL_TRUST_ROOTS, and leave ORDERPULSE_PAYPAL_WEBHOOK_CHECK out."
        )
        return (offline,)

    def routes(self) -> Sequence[Route]:
        """Return the paths of PayPal's API, and its page for the payer."""
        return Rest(self).routes()

    def sign(self, event: Event) -> Mapping[str, str]:
        """Sign a delivery, as it is sent."""
        return self.signer.headers(event.body)

    def rotate(self) -> Mapping[str, str]:
        """Sign webhooks with a new certificate from now on; merchants find it by themselves."""
        self.former_signers.append(self.signer)
        self.signer = Signer(self.webhook_id, self._certificate_url(), authority=self.signer.authority)
        return {}

    def signers(self) -> Sequence[Signer]:
        """Return whoever signs or has signed here, the present one first."""
        return (self.signer, *self.former_signers)

    def _certificate_url(self) -> str:
        return f"{self.url}/v1/notifications/certs/CERT-{secrets.token_hex(12)}"

    def pay(self, reference: str, outcome: Control, method: str | None) -> None:
        """Have the payer approve; a second approval follows a decline."""
        del method  # the payer's wallet decides
        self.book.approve(self._payable(reference), outcome)

    def mischarge(self, reference: str, amount_minor: int) -> None:
        """Have the payer approve, and PayPal capture another amount."""
        order = self._payable(reference)
        order.takes = amount_minor
        self.book.approve(order, Control.SUCCEEDS)

    def resolve(self, reference: str, outcome: Control) -> None:
        """End a review, or have the payer settle what PayPal asked."""
        order = self._order(reference)
        pending = [capture for capture in order.captures if capture.status == "PENDING"]
        if pending:
            self.book.resolve(order, pending[-1], good=outcome is Control.SUCCEEDS)
        elif order.status == "PAYER_ACTION_REQUIRED":
            self.book.approve(order, outcome)
        elif order.status == "APPROVED":
            order.plan = outcome
        else:
            raise ControlError("Nothing is open.")

    def dispute(self, reference: str) -> str:
        """Have the payer dispute the newest capture."""
        order = self._order(reference)
        taken = [capture for capture in order.captures if capture.status == "COMPLETED"]
        if not taken:
            raise ControlError("Nothing was captured.")
        dispute = Dispute(capture_id=taken[-1].id, amount=taken[-1].amount)
        order.disputes.append(dispute)
        self._tell("CUSTOMER.DISPUTE.CREATED", order, dispute)
        return dispute.id

    def close_dispute(self, reference: str, outcome: Control) -> None:
        """Have PayPal decide."""
        order = self._order(reference)
        if not order.disputes or order.disputes[-1].outcome:
            raise ControlError("There is no open dispute.")
        dispute = order.disputes[-1]
        dispute.status = "RESOLVED"
        side = "SELLER" if outcome is Control.WON else "BUYER"
        dispute.outcome = f"RESOLVED_{side}_FAVOUR"
        self._tell("CUSTOMER.DISPUTE.RESOLVED", order, dispute)

    def fail_refund(self, reference: str) -> None:
        """Have the newest refund fail."""
        order = self._order(reference)
        refunds = [refund for capture in order.captures for refund in capture.refunds]
        if not refunds:
            raise ControlError("There is no refund.")
        newest = max(refunds, key=lambda refund: refund.created)
        newest.status = "FAILED"
        self._tell("PAYMENT.REFUND.FAILED", order, newest)

    def truth(self) -> Sequence[PaymentTruth]:
        """Return what really happened."""
        return [_truth_of(order) for order in self.book.orders.values()]

    def refusal(self, error: MishapError) -> Response:
        """Return PayPal's answer for a call that chaos made fail."""
        return ApiError(error.status).response()

    def _payable(self, reference: str) -> Order:
        order = self._order(reference)
        if order.status not in ("CREATED", "PAYER_ACTION_REQUIRED"):
            raise ControlError(f"The order is {order.status}.")
        return order

    def _order(self, reference: str) -> Order:
        if reference not in self.book.orders:
            raise ControlError("There is no such order.", 404)
        return self.book.orders[reference]

    def _tell(self, event_type: str, order: Order, thing: object) -> None:
        resource_type, resource = self._resource(order, thing)
        version = "2.0"
        if self.resource_version == "1.0" and resource_type in ("capture", "refund", "authorization"):
            version, resource = "1.0", as_version_1(resource)
        event = {
            "id": f"WH-{secrets.token_hex(9).upper()}-{secrets.token_hex(9).upper()}",
            "event_version": "1.0",
            "create_time": now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "resource_type": resource_type,
            "resource_version": version,
            "event_type": event_type,
            "summary": event_type.replace(".", " ").capitalize(),
            "resource": resource,
            "links": [],
        }
        self.told.append(event)
        self.emit(Event(id=str(event["id"]), type=event_type, body=orjson.dumps(event)))

    def _resource(self, order: Order, thing: object) -> tuple[str, dict[str, Any]]:
        match thing:
            case Order():
                return "checkout-order", show_order(thing, self.url)
            case Authorization():
                return "authorization", show_authorization(order, thing, self.url)
            case Capture():
                return "capture", show_capture(order, thing, self.url)
            case Refund():
                capture = next(c for c in order.captures if thing in c.refunds)
                return "refund", show_refund(order, capture, thing, self.url)
            case Dispute():
                return "dispute", show_dispute(order, thing)
            case _:
                raise TypeError(f"{stamp(now())}: nothing tells of {type(thing).__name__}.")


def _truth_of(order: Order) -> PaymentTruth:
    open_holds = [held for held in order.authorizations if held.status in ("CREATED", "PARTIALLY_CAPTURED")]
    refunds = [refund for capture in order.captures for refund in capture.refunds]
    outcomes = {None: "OPEN", "RESOLVED_SELLER_FAVOUR": "WON"}
    return PaymentTruth(
        reference=order.id,
        own_id=order.custom_id,
        currency=order.currency,
        amount_minor=order.amount,
        held_minor=sum(held.amount - order.captured_of(held) for held in open_holds),
        captured_minor=sum(capture.amount for capture in order.captures if capture.status == "COMPLETED"),
        approved=order.status == "APPROVED",
        refunds=tuple(
            RefundTruth(
                id=refund.id,
                own_id=(refund.custom_id or "").partition("_")[2] or None,
                amount_minor=refund.amount,
                status=_REFUND_STATUS[refund.status],
            )
            for refund in refunds
        ),
        disputes={dispute.id: outcomes.get(dispute.outcome, "LOST") for dispute in order.disputes},
    )
