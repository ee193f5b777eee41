"""A new order: what may be asked for, and what becomes of it at the catalogue's prices."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import orjson

from app.auth import hash_secret
from app.checkout.access import source_of
from app.checkout.catalog import NAME_LENGTH_MAX, SKU_LENGTH_MAX, check_text
from app.domain.errors import DomainError, ErrorCode
from app.domain.money import AMOUNT_MINOR_MAX, Money
from app.domain.order import Order, OrderAdjustment, OrderLine, order_money, order_payment_status
from app.domain.states import (
    FulfillmentStatus,
    LatePaymentPolicy,
    OrderAdjustmentKind,
    OrderEventType,
    OrderStatus,
)
from app.domain.timeline import Note, events_of
from app.scopes import Scope
from db.orders import NewOrder, NewToken

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from app.auth import Authenticator, Caller
    from db.orders import Product

LINES_MAX: Final = 200
QUANTITY_MAX: Final = 100_000
ADJUSTMENTS_MAX: Final = 50
METADATA_BYTES_MAX: Final = 16_384
EXPIRES_IN_SECONDS_MIN: Final = 60
EXPIRES_IN_SECONDS_MAX: Final = 90 * 86_400
TOKEN_TTL_SECONDS: Final = 7 * 86_400
_EMAIL: Final = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,255}")
_NUMBER_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineInput:
    """What is ordered; name and price only from a trusted caller."""

    sku: str
    quantity: int
    name: str | None = None
    unit_price: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentInput:
    """An amount beside the lines, only from a trusted caller; a discount is negative."""

    kind: OrderAdjustmentKind
    label: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrderInput:
    """An order as it is asked for."""

    lines: tuple[LineInput, ...]
    adjustments: tuple[AdjustmentInput, ...] = ()
    customer_id: str | None = None
    customer_email: str | None = None
    expires_in_seconds: int | None = None
    late_payment_policy: LatePaymentPolicy = LatePaymentPolicy.REFUND
    metadata: dict[str, object] | None = None


def check_order(caller: Caller, given: NewOrderInput) -> None:
    """Refuse what an order can't hold, or its caller may not set.

    Raises:
        DomainError: INVALID or FORBIDDEN, with the field.
    """
    trusted = caller.has(Scope.PRICE)
    if not 0 < len(given.lines) <= LINES_MAX:
        raise DomainError(ErrorCode.INVALID, f"An order has 1 to {LINES_MAX} lines.", ("lines",))
    for index, line in enumerate(given.lines):
        check_text(line.sku, SKU_LENGTH_MAX, "lines", str(index), "sku")
        if not 0 < line.quantity <= QUANTITY_MAX:
            raise DomainError(
                ErrorCode.INVALID, f"A quantity is 1 to {QUANTITY_MAX}.", ("lines", str(index), "quantity")
            )
        if not trusted and (line.name is not None or line.unit_price is not None):
            raise _untrusted("lines", str(index), "unitPrice" if line.unit_price is not None else "name")
        if line.name is not None:
            check_text(line.name, NAME_LENGTH_MAX, "lines", str(index), "name")
    if not trusted and (given.adjustments or given.customer_id is not None):
        raise _untrusted("adjustments" if given.adjustments else "customerId")
    if len(given.adjustments) > ADJUSTMENTS_MAX:
        raise DomainError(ErrorCode.INVALID, f"At most {ADJUSTMENTS_MAX} adjustments.", ("adjustments",))
    _check_details(given)


def _check_details(given: NewOrderInput) -> None:
    if given.customer_email is not None and not _EMAIL.fullmatch(given.customer_email):
        raise DomainError(ErrorCode.INVALID, "That is not an e-mail address.", ("customerEmail",))
    if given.customer_id is not None:
        check_text(given.customer_id, NAME_LENGTH_MAX, "customerId")
    expires_in = given.expires_in_seconds
    if expires_in is not None and not EXPIRES_IN_SECONDS_MIN <= expires_in <= EXPIRES_IN_SECONDS_MAX:
        raise DomainError(
            ErrorCode.INVALID,
            f"expiresIn is {EXPIRES_IN_SECONDS_MIN} to {EXPIRES_IN_SECONDS_MAX} seconds.",
            ("expiresIn",),
        )
    if given.metadata is not None and len(orjson.dumps(given.metadata)) > METADATA_BYTES_MAX:
        raise DomainError(
            ErrorCode.INVALID, f"metadata has at most {METADATA_BYTES_MAX} bytes.", ("metadata",)
        )


def _untrusted(*field: str) -> DomainError:
    return DomainError(
        ErrorCode.FORBIDDEN,
        f"{field[-1]} is taken only from the shop's own back end (scope {Scope.PRICE}); leave it out.",
        field,
    )


def priced_line(position: int, given: LineInput, product: Product | None) -> OrderLine:
    """Return a line at the catalogue's price, or the trusted caller's.

    Raises:
        DomainError: NOT_FOUND when the shop does not sell it, INVALID for a negative price.
    """
    field = ("lines", str(position), "sku")
    if given.unit_price is not None:
        if given.unit_price.minor < 0:
            raise DomainError(
                ErrorCode.INVALID, "A price is not negative.", ("lines", str(position), "unitPrice")
            )
        name = given.name or (product.name if product else given.sku)
        price = given.unit_price
    elif product is None or not product.active:
        raise DomainError(ErrorCode.NOT_FOUND, f"The shop does not sell {given.sku!r}.", field)
    else:
        name, price = given.name or product.name, product.unit_price
    return OrderLine(position=position, sku=given.sku, name=name, quantity=given.quantity, unit_price=price)


def adjustments_of(given: NewOrderInput, currency: str) -> tuple[OrderAdjustment, ...]:
    """Return the adjustments, which are in the lines' currency.

    Raises:
        DomainError: CURRENCY_MISMATCH or INVALID.
    """
    for index, adjustment in enumerate(given.adjustments):
        check_text(adjustment.label, NAME_LENGTH_MAX, "adjustments", str(index), "label")
        if adjustment.amount.currency != currency:
            raise DomainError(
                ErrorCode.CURRENCY_MISMATCH,
                f"The lines are in {currency}.",
                ("adjustments", str(index), "amount", "currency"),
            )
    return tuple(
        OrderAdjustment(position=position, kind=a.kind, label=a.label, amount=a.amount)
        for position, a in enumerate(given.adjustments)
    )


def _total(lines: Sequence[OrderLine], adjustments: Sequence[OrderAdjustment]) -> Money:
    currency = lines[0].unit_price.currency
    for index, line in enumerate(lines):
        if line.unit_price.currency != currency:
            raise DomainError(
                ErrorCode.CURRENCY_MISMATCH, f"The first line is in {currency}.", ("lines", str(index))
            )
    total = sum(line.total.minor for line in lines) + sum(a.amount.minor for a in adjustments)
    if total < 0:
        raise DomainError(ErrorCode.AMOUNT_TOO_SMALL, "The total is below zero.", ("adjustments",))
    if total > AMOUNT_MINOR_MAX:
        raise DomainError(ErrorCode.AMOUNT_TOO_LARGE, "The total is too large.", ("lines",))
    return Money(total, currency)


def new_order(
    caller: Caller,
    given: NewOrderInput,
    lines: tuple[OrderLine, ...],
    adjustments: tuple[OrderAdjustment, ...],
    order_id: UUID,
    now: datetime,
    authenticator: Authenticator,
) -> NewOrder:
    """Return everything that is written for an order; one without a total is confirmed at once.

    Raises:
        DomainError: CURRENCY_MISMATCH, AMOUNT_TOO_SMALL or AMOUNT_TOO_LARGE.
    """
    total = _total(lines, adjustments)
    payment_status = order_payment_status(total.minor, order_money(()), review=False)
    order = Order(
        id=order_id,
        number=_number(order_id),
        status=OrderStatus.PENDING if total.minor else OrderStatus.CONFIRMED,
        payment_status=payment_status,
        fulfillment_status=FulfillmentStatus.UNFULFILLED,
        version=0,
        currency=total.currency,
        total_minor=total.minor,
        paid_minor=0,
        refunded_minor=0,
        payment_in_progress=False,
        customer_id=given.customer_id or caller.customer_id,
        customer_email=given.customer_email,
        late_payment_policy=given.late_payment_policy,
        expires_at=now + timedelta(seconds=given.expires_in_seconds) if given.expires_in_seconds else None,
        metadata=given.metadata or {},
        created_at=now,
        updated_at=now,
    )
    source = source_of(caller)
    notes = [Note(type=OrderEventType.ORDER_CREATED, status=OrderStatus.PENDING, source=source, amount=total)]
    if order.status is OrderStatus.CONFIRMED:
        notes.append(Note(type=OrderEventType.ORDER_CONFIRMED, status=order.status, source=source))
    events = events_of(notes, order, payment_status, now)
    token = authenticator.order_token(order_id)
    return NewOrder(
        order=replace(order, version=events[-1].version),
        lines=lines,
        adjustments=adjustments,
        events=events,
        token=NewToken(id=order_id, token_hash=hash_secret(token), ttl_seconds=TOKEN_TTL_SECONDS),
    )


def _number(order_id: UUID) -> str:
    """Return ten characters that people can read out, from 50 bits of the id's hash."""
    bits = int.from_bytes(hashlib.sha256(order_id.bytes).digest()[:8], "big")
    chars = "".join(_NUMBER_ALPHABET[bits >> shift & 31] for shift in range(0, 50, 5))
    return f"{chars[:5]}-{chars[5:]}"
