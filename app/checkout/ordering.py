"""Making, canceling and fulfilling orders, and handing out guests' keys to them."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import orjson

from app.auth import Scope, hash_secret
from app.batch import Command
from app.checkout.access import order_for, require_staff
from app.checkout.catalog import NAME_LENGTH_MAX, SKU_LENGTH_MAX, check_text
from app.domain.changes import CancelOrder, FulfillOrder
from app.domain.errors import DomainError, ErrorCode
from app.domain.money import AMOUNT_MINOR_MAX, Money
from app.domain.order import Order, OrderAdjustment, OrderLine, OrderMoney, order_payment_status
from app.domain.states import (
    EventSource,
    FulfillmentStatus,
    LatePaymentPolicy,
    OrderAdjustmentKind,
    OrderEventType,
    OrderStatus,
)
from app.domain.timeline import Timeline
from app.idempotency import Answer, Idempotency
from app.identity import new_id
from db import orders as store
from db.orders import NewOrder, NewToken

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from app.auth import Authenticator, Caller
    from app.settle import Settler
    from db.orders import Product
    from db.pool import Database

LINES_MAX: Final = 200
QUANTITY_MAX: Final = 100_000
ADJUSTMENTS_MAX: Final = 50
METADATA_BYTES_MAX: Final = 16_384
EXPIRES_IN_SECONDS_MIN: Final = 60
EXPIRES_IN_SECONDS_MAX: Final = 90 * 86_400
TOKEN_TTL_SECONDS: Final = 7 * 86_400
TOKEN_TTL_SECONDS_MAX: Final = 365 * 86_400
REASON_LENGTH_MAX: Final = 500
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
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


class Ordering:
    """The use cases around an order itself."""

    def __init__(
        self,
        *,
        database: Database,
        settler: Settler,
        authenticator: Authenticator,
        give_up_payments: Callable[[Order], Awaitable[None]],
    ) -> None:
        """`give_up_payments` asks the gateways to cancel what is open."""
        self._database = database
        self._settler = settler
        self._authenticator = authenticator
        self._give_up_payments = give_up_payments
        self._keys = Idempotency(database)

    async def create(self, caller: Caller, given: NewOrderInput, key: str) -> Answer:
        """Make an order at the catalogue's prices. The answer's token opens it.

        Raises:
            DomainError: INVALID, FORBIDDEN (a price from an untrusted caller), CURRENCY_MISMATCH, NOT_FOUND (SKU),
                AMOUNT_TOO_LARGE, or an idempotency error.
        """

        async def work(key_id: UUID) -> Answer:
            lines = await self._lines(given)
            adjustments = _adjustments(given, lines[0].unit_price.currency)
            now = await store.now(self._database)
            new = _new_order(caller, given, lines, adjustments, key_id, now, self._authenticator)
            answer = Answer(order_id=key_id, token_id=key_id)
            await store.insert_order(self._database, new, key_id, answer.to_json())
            return answer

        _check_order(caller, given)
        return await self._keys.once(_scope(caller, "orderCreate"), key, asdict(given), work)

    async def _lines(self, given: NewOrderInput) -> tuple[OrderLine, ...]:
        products = await store.products_by_sku(self._database, [line.sku for line in given.lines])
        return tuple(
            _line(position, line, products.get(line.sku)) for position, line in enumerate(given.lines)
        )

    async def cancel(
        self,
        caller: Caller,
        order_id: UUID | None,
        reason: str | None,
        expected_version: int | None,
        key: str,
    ) -> Answer:
        """Cancel an order; its open payments are canceled at their gateways first.

        Raises:
            DomainError: NOT_FOUND, INVALID_STATE, PAYMENT_IN_PROGRESS, VERSION_CONFLICT, or an idempotency error.
        """

        async def work(key_id: UUID) -> Answer:
            change = CancelOrder(
                reason=reason,
                source=_source(caller),
                expected_version=None,
                confirmed_too=caller.is_staff,
            )
            _expect_version(order, expected_version)
            if order.is_open:
                await self._give_up_payments(order)
            return await self._settle(order.id, change, key_id)

        order = await order_for(self._database, caller, order_id, "orderId")
        if reason is not None:
            check_text(reason, REASON_LENGTH_MAX, "reason")
        request = {"order": order.id, "reason": reason, "version": expected_version}
        return await self._keys.once(_scope(caller, "orderCancel"), key, request, work)

    async def fulfill(
        self,
        caller: Caller,
        order_id: UUID | None,
        status: FulfillmentStatus,
        message: str | None,
        expected_version: int | None,
        key: str,
    ) -> Answer:
        """Say where the goods are.

        Raises:
            DomainError: FORBIDDEN, NOT_FOUND, INVALID_STATE, VERSION_CONFLICT, or an idempotency error.
        """

        async def work(key_id: UUID) -> Answer:
            change = FulfillOrder(
                status=status, message=message, source=EventSource.STAFF, expected_version=expected_version
            )
            return await self._settle(order.id, change, key_id)

        require_staff(caller)
        order = await order_for(self._database, caller, order_id, "orderId")
        if message is not None:
            check_text(message, REASON_LENGTH_MAX, "message")
        request = {"order": order.id, "status": status, "message": message, "version": expected_version}
        return await self._keys.once(_scope(caller, "orderFulfill"), key, request, work)

    async def _settle(self, order_id: UUID, change: CancelOrder | FulfillOrder, key_id: UUID) -> Answer:
        answer = Answer(order_id=order_id)
        await self._settler.submit(
            Command(order_id=order_id, change=change, key_id=key_id, answer=answer.to_json())
        )
        return answer

    async def create_token(
        self, caller: Caller, order_id: UUID | None, ttl_seconds: int
    ) -> tuple[str, datetime]:
        """Make a key to one order, and say when it expires.

        Raises:
            DomainError: NOT_FOUND, or INVALID for a time out of bounds.
        """
        if not 0 < ttl_seconds <= TOKEN_TTL_SECONDS_MAX:
            raise DomainError(
                ErrorCode.INVALID, f"ttlSeconds is 1 to {TOKEN_TTL_SECONDS_MAX}.", ("ttlSeconds",)
            )
        order = await order_for(self._database, caller, order_id, "orderId")
        token_id = new_id()
        token = self._authenticator.order_token(token_id)
        stored = NewToken(id=token_id, token_hash=hash_secret(token), ttl_seconds=ttl_seconds)
        return token, await store.insert_token(self._database, order.id, stored)


def _scope(caller: Caller, operation: str) -> str:
    return f"{caller.subject}:{operation}"


def _source(caller: Caller) -> EventSource:
    return EventSource.STAFF if caller.is_staff else EventSource.API


def _expect_version(order: Order, expected: int | None) -> None:
    if expected is not None and order.version != expected:
        raise DomainError(
            ErrorCode.VERSION_CONFLICT,
            f"The order is at version {order.version}, not {expected}. Read it again.",
            ("expectedVersion",),
        )


def _check_order(caller: Caller, given: NewOrderInput) -> None:
    trusted = Scope.PRICE in caller.scopes
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


def _line(position: int, given: LineInput, product: Product | None) -> OrderLine:
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


def _adjustments(given: NewOrderInput, currency: str) -> tuple[OrderAdjustment, ...]:
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


def _new_order(
    caller: Caller,
    given: NewOrderInput,
    lines: tuple[OrderLine, ...],
    adjustments: tuple[OrderAdjustment, ...],
    order_id: UUID,
    now: datetime,
    authenticator: Authenticator,
) -> NewOrder:
    total = _total(lines, adjustments)
    money = OrderMoney(paid=0, refunded=0, authorized=0, conflicted=False, disputed=False, under_way=False)
    payment_status = order_payment_status(total.minor, money)
    order = Order(
        id=order_id,
        number=_number(order_id),
        status=OrderStatus.PENDING,
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
    timeline = Timeline(order, _source(caller), now)
    timeline.add(order, OrderEventType.ORDER_CREATED, amount=total)
    if total.minor == 0:
        order = replace(order, status=OrderStatus.CONFIRMED)
        timeline.add(order, OrderEventType.ORDER_CONFIRMED)
    token = authenticator.order_token(order_id)
    return NewOrder(
        order=timeline.numbered(order),
        lines=lines,
        adjustments=adjustments,
        events=timeline.events,
        token=NewToken(id=order_id, token_hash=hash_secret(token), ttl_seconds=TOKEN_TTL_SECONDS),
    )


def _number(order_id: UUID) -> str:
    """Return ten characters that people can read out, from 50 bits of the id's hash."""
    bits = int.from_bytes(hashlib.sha256(order_id.bytes).digest()[:8], "big")
    chars = "".join(_NUMBER_ALPHABET[bits >> shift & 31] for shift in range(0, 50, 5))
    return f"{chars[:5]}-{chars[5:]}"
