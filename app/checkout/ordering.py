"""Making, canceling and fulfilling orders, and handing out guests' keys to them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from app.auth import ANYONE, hash_secret
from app.batch import Command
from app.checkout.access import order_for, require, source_of
from app.checkout.catalog import check_text
from app.checkout.new_order import NewOrderInput, adjustments_of, check_order, new_order, priced_line
from app.domain.changes import CancelOrder, FulfillOrder
from app.domain.errors import DomainError, ErrorCode
from app.domain.states import (
    EventSource,
    FulfillmentStatus,
)
from app.idempotency import Answer, Idempotency
from app.identity import new_id
from app.scopes import Scope
from db import credentials
from db import orders as store
from db.orders import NewToken

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from uuid import UUID

    from app.auth import Authenticator, Caller
    from app.domain.order import Order, OrderLine
    from app.settle import Settler
    from db.pool import Database

TOKEN_TTL_SECONDS_MAX: Final = 365 * 86_400
REASON_LENGTH_MAX: Final = 500
ANONYMOUS_KEY_LENGTH_MIN: Final = 16


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
            adjustments = adjustments_of(given, lines[0].unit_price.currency)
            now = await store.now(self._database)
            new = new_order(caller, given, lines, adjustments, key_id, now, self._authenticator)
            answer = Answer(order_id=key_id, token_id=key_id)
            await store.insert_order(self._database, new, key_id, answer.to_json())
            return answer

        check_order(caller, given)
        _check_key(caller, key)
        return await self._keys.once(_scope(caller, "orderCreate"), key, asdict(given), work)

    async def _lines(self, given: NewOrderInput) -> tuple[OrderLine, ...]:
        products = await store.products_by_sku(self._database, [line.sku for line in given.lines])
        return tuple(
            priced_line(position, line, products.get(line.sku)) for position, line in enumerate(given.lines)
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
                source=source_of(caller),
                expected_version=None,
                confirmed_too=caller.has(Scope.ORDERS),
            )
            _expect_version(order, expected_version)
            if order.is_open:
                await self._give_up_payments(order)
            return await self._settle(order.id, change, key_id)

        order = await order_for(self._database, caller, order_id, "orderId", Scope.ORDERS)
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

        require(caller, Scope.ORDERS)
        order = await order_for(self._database, caller, order_id, "orderId", Scope.ORDERS)
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
        order = await order_for(self._database, caller, order_id, "orderId", Scope.ORDERS)
        token_id = new_id()
        token = self._authenticator.order_token(token_id)
        stored = NewToken(id=token_id, token_hash=hash_secret(token), ttl_seconds=ttl_seconds)
        return token, await store.insert_token(self._database, order.id, stored)

    async def revoke_tokens(self, caller: Caller, order_id: UUID | None, token: str | None) -> int:
        """Revoke one key to an order, or all of them; return how many were good until now.

        Raises:
            DomainError: NOT_FOUND or FORBIDDEN.
        """
        order = await order_for(self._database, caller, order_id, "orderId", Scope.ORDERS)
        hashed = hash_secret(token) if token is not None else None
        return await credentials.revoke_order_tokens(self._database, order.id, hashed)


def _check_key(caller: Caller, key: str) -> None:
    """Refuse a guessable key of nobody in particular: whoever repeats the call gets the order's token again."""
    if caller == ANYONE and len(key) < ANONYMOUS_KEY_LENGTH_MIN:
        raise DomainError(
            ErrorCode.INVALID,
            f"Without credentials the key must be unguessable: at least {ANONYMOUS_KEY_LENGTH_MIN} characters,"
            " such as a random UUID.",
            ("idempotencyKey",),
        )


def _scope(caller: Caller, operation: str) -> str:
    return f"{caller.subject}:{operation}"


def _expect_version(order: Order, expected: int | None) -> None:
    if expected is not None and order.version != expected:
        raise DomainError(
            ErrorCode.VERSION_CONFLICT,
            f"The order is at version {order.version}, not {expected}. Read it again.",
            ("expectedVersion",),
        )
