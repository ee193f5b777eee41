"""What may happen to an order and the money in it: the rules of Orders v2 and Payments v2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from app.simulators.paypal.account import Authorization, Capture, Order, Refund, now
from app.simulators.paypal.amounts import read_amount
from app.simulators.paypal.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

URL_CHARS_MAX: Final = 4000
_Thing = TypeVar("_Thing", Authorization, Capture, Refund)


class Book:
    """All orders of the account. `tell` is told of each event with its order and its object."""

    def __init__(self, url: str, tell: Callable[[str, Order, Any], None]) -> None:
        self.orders: dict[str, Order] = {}
        self._url = url
        self._tell = tell

    def page(self, order: Order) -> str:
        """Return where the payer approves an order."""
        return f"{self._url}/checkoutnow?token={order.id}"

    def order(self, order_id: str) -> Order:
        """Return an order."""
        if order_id not in self.orders:
            raise ApiError(404, "INVALID_RESOURCE_ID")
        return self.orders[order_id]

    def authorization(self, object_id: str) -> tuple[Order, Authorization]:
        """Return an authorisation with its order."""
        return _find(
            object_id, ((order, held) for order in self.orders.values() for held in order.authorizations)
        )

    def capture(self, object_id: str) -> tuple[Order, Capture]:
        """Return a capture with its order."""
        return _find(
            object_id, ((order, taken) for order in self.orders.values() for taken in order.captures)
        )

    def create(self, body: dict[str, Any]) -> Order:
        """Open an order."""
        intent, units = body.get("intent"), body.get("purchase_units")
        if intent not in ("CAPTURE", "AUTHORIZE"):
            raise ApiError(400, "INVALID_PARAMETER_VALUE", field="/intent")
        if not isinstance(units, list) or len(units) != 1 or not isinstance(units[0], dict):
            raise ApiError(400, "MISSING_REQUIRED_PARAMETER", field="/purchase_units")
        unit = units[0]
        amount = read_amount(unit.get("amount"), "/purchase_units/@reference_id=='default'/amount")
        source = _object(body, "payment_source")
        wallet = _object(source, "paypal") if "paypal" in source else None
        context = _object(body if wallet is None else wallet, "experience_context")
        context = context or _object(body, "application_context")
        order = Order(
            intent=intent,
            amount=amount.minor,
            currency=amount.currency,
            custom_id=_word(unit, "custom_id", 255),
            invoice_id=_word(unit, "invoice_id", 127),
            return_url=_word(context, "return_url", URL_CHARS_MAX),
            cancel_url=_word(context, "cancel_url", URL_CHARS_MAX),
            status="CREATED" if wallet is None else "PAYER_ACTION_REQUIRED",
        )
        self.orders[order.id] = order
        return order

    def approve(self, order: Order, plan: str) -> None:
        """Have the payer agree; `plan` is how the money is going to go."""
        order.plan, order.status, order.updated = plan, "APPROVED", now()
        self._tell("CHECKOUT.ORDER.APPROVED", order, order)

    def take(self, order: Order, intent: str) -> Order:
        """Capture or authorise an order that was approved."""
        if order.intent != intent:
            raise ApiError(422, "ACTION_DOES_NOT_MATCH_INTENT")
        if order.status == "COMPLETED":
            raise ApiError(422, f"ORDER_ALREADY_{'CAPTURED' if intent == 'CAPTURE' else 'AUTHORIZED'}")
        if order.status != "APPROVED":
            raise ApiError(422, "ORDER_NOT_APPROVED")
        duplicate = order.invoice_id and any(
            other.invoice_id == order.invoice_id and (other.captures or other.authorizations)
            for other in self.orders.values()
        )
        if duplicate:
            raise ApiError(422, "DUPLICATE_INVOICE_ID")
        if order.plan == "DECLINED":
            order.status, order.updated = "PAYER_ACTION_REQUIRED", now()
            raise ApiError(422, "INSTRUMENT_DECLINED", redirect=("redirect", self.page(order)))
        if order.plan == "ASKS":
            order.status, order.updated = "PAYER_ACTION_REQUIRED", now()
            raise ApiError(422, "PAYER_ACTION_REQUIRED", redirect=("payer-action", self.page(order)))
        order.status, order.updated = "COMPLETED", now()
        if intent == "AUTHORIZE":
            held = Authorization(amount=order.amount)
            order.authorizations.append(held)
            self._tell("PAYMENT.AUTHORIZATION.CREATED", order, held)
        else:
            self._captured(order, Capture(amount=order.takes or order.amount, status="COMPLETED"))
        return order

    def capture_held(self, order: Order, held: Authorization, body: dict[str, Any]) -> Capture:
        """Capture an authorisation."""
        if held.status == "CAPTURED":
            raise ApiError(422, "AUTHORIZATION_ALREADY_CAPTURED")
        if held.status == "VOIDED":
            raise ApiError(422, "AUTHORIZATION_VOIDED")
        rest = held.amount - order.captured_of(held)
        minor = self._amount(body, order, rest)
        if minor > rest:
            raise ApiError(422, "MAX_CAPTURE_AMOUNT_EXCEEDED")
        final = body.get("final_capture", False)
        if not isinstance(final, bool):
            raise ApiError(400, "INVALID_PARAMETER_SYNTAX", field="/final_capture")
        held.status = "CAPTURED" if final or minor == rest else "PARTIALLY_CAPTURED"
        capture = Capture(amount=minor, status="COMPLETED", authorization_id=held.id, final=final)
        self._captured(order, capture)
        return capture

    def void(self, order: Order, held: Authorization) -> None:
        """Release an authorisation."""
        if held.status == "CAPTURED":
            raise ApiError(422, "PREVIOUSLY_CAPTURED")
        if held.status == "VOIDED":
            raise ApiError(422, "PREVIOUSLY_VOIDED")
        held.status = "VOIDED"
        self._tell("PAYMENT.AUTHORIZATION.VOIDED", order, held)

    def refund(self, order: Order, capture: Capture, body: dict[str, Any]) -> Refund:
        """Give captured money back."""
        if capture.status == "PENDING":
            raise ApiError(422, "PENDING_CAPTURE")
        if capture.status != "COMPLETED":
            raise ApiError(422, "CAPTURE_NOT_COMPLETED")
        rest = capture.amount - capture.refunded
        if not rest:
            raise ApiError(422, "CAPTURE_FULLY_REFUNDED")
        minor = self._amount(body, order, rest)
        if minor > rest:
            raise ApiError(422, "REFUND_AMOUNT_EXCEEDED")
        refund = Refund(
            amount=minor,
            custom_id=_word(body, "custom_id", 127),
            invoice_id=_word(body, "invoice_id", 127),
            note=_word(body, "note_to_payer", 255),
        )
        capture.refunds.append(refund)
        self._tell("PAYMENT.CAPTURE.REFUNDED", order, refund)
        return refund

    def resolve(self, order: Order, capture: Capture, *, good: bool) -> None:
        """End a review."""
        capture.status = "COMPLETED" if good else "DECLINED"
        self._tell(f"PAYMENT.CAPTURE.{'COMPLETED' if good else 'DENIED'}", order, capture)

    def _captured(self, order: Order, capture: Capture) -> None:
        if order.plan == "PENDS":
            capture.status = "PENDING"
        order.captures.append(capture)
        self._tell(f"PAYMENT.CAPTURE.{capture.status}", order, capture)

    def _amount(self, body: dict[str, Any], order: Order, rest: int) -> int:
        if "amount" not in body:
            return rest
        amount = read_amount(body["amount"])
        if amount.currency != order.currency:
            raise ApiError(422, "CURRENCY_MISMATCH")
        return amount.minor


def _find(object_id: str, pairs: Iterable[tuple[Order, _Thing]]) -> tuple[Order, _Thing]:
    for order, thing in pairs:
        if thing.id == object_id:
            return order, thing
    raise ApiError(404, "INVALID_RESOURCE_ID")


def _object(body: dict[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ApiError(400, "INVALID_PARAMETER_SYNTAX", field=f"/{name}")
    return value


def _word(body: dict[str, Any], name: str, chars_max: int) -> str | None:
    value = body.get(name)
    if value is not None and (not isinstance(value, str) or not 0 < len(value) <= chars_max):
        raise ApiError(400, "INVALID_STRING_LENGTH", field=f"/{name}")
    return value
