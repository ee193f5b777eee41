"""Cursors: positions in lists and logs, opaque to callers and checked when they come back.

A cursor is base64url of a format version, a kind and a payload, so that a cursor of another list, or of a format
that is no longer understood, is told from a good one.
"""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from app.domain.errors import DomainError, ErrorCode
from app.views import LogPosition
from schema.scalars import Cursor

if TYPE_CHECKING:
    from app.domain.order import Order
    from app.domain.suspense import SuspenseItem
    from schema.enums import OrderSort

_FORMAT: Final = b"\x01"
_VERSION: Final = b"v"
_LOG: Final = b"l"
_ORDER: Final = b"o"
_PRODUCT: Final = b"p"
_INBOX_EVENT: Final = b"i"
_PAYMENT: Final = b"y"
_SUSPENSE_ITEM: Final = b"s"
_VERSION_PAYLOAD: Final = struct.Struct(">i")
_LOG_PAYLOAD: Final = struct.Struct(">q16si")
_ORDER_PAYLOAD: Final = struct.Struct(">Bq16s")
_ID_PAYLOAD: Final = struct.Struct(">16s")
_INSTANT_PAYLOAD: Final = struct.Struct(">q16s")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def encode_version(version: int) -> Cursor:
    """Return the cursor of the event that made this version of its order."""
    return _encode(_VERSION, _VERSION_PAYLOAD.pack(version))


def decode_version(cursor: str, order_id: UUID) -> int:
    """Return the version that a cursor stands for, of one order's events or of the log of all orders.

    Raises:
        DomainError: INVALID.
    """
    kind, payload = _decode(cursor)
    if kind == _VERSION:
        (version,) = _unpack(_VERSION_PAYLOAD, payload)
        return _not_negative(version)
    if kind == _LOG:
        position = decode_log(cursor)
        if position.order_id == order_id:
            return position.version
    raise _invalid()


def encode_log(position: LogPosition) -> Cursor:
    """Return the cursor of a position in the log of all orders."""
    return _encode(_LOG, _LOG_PAYLOAD.pack(position.xid, position.order_id.bytes, position.version))


def decode_log(cursor: str) -> LogPosition:
    """Return the position in the log of all orders.

    Raises:
        DomainError: INVALID.
    """
    xid, order_id, version = _unpack(_LOG_PAYLOAD, _payload(cursor, _LOG))
    return LogPosition(_not_negative(xid), UUID(bytes=order_id), _not_negative(version))


def encode_order(order: Order, sort: OrderSort) -> Cursor:
    """Return the cursor of an order in a list sorted like this."""
    at = order.updated_at if sort.name.startswith("UPDATED") else order.created_at
    microseconds = (at - _EPOCH) // _MICROSECOND
    return _encode(_ORDER, _ORDER_PAYLOAD.pack(_number_of(sort), microseconds, order.id.bytes))


def decode_order(cursor: str, sort: OrderSort) -> tuple[datetime, UUID]:
    """Return the sort column and id of an order in a list sorted like this.

    Raises:
        DomainError: INVALID, also when the cursor is of a list sorted otherwise.
    """
    number, microseconds, order_id = _unpack(_ORDER_PAYLOAD, _payload(cursor, _ORDER))
    if number != _number_of(sort):
        raise _invalid()
    return _instant_of(microseconds), UUID(bytes=order_id)


def encode_product(product_id: UUID) -> Cursor:
    """Return the cursor of a product."""
    return _encode(_PRODUCT, _ID_PAYLOAD.pack(product_id.bytes))


def decode_product(cursor: str) -> UUID:
    """Return the id of a product.

    Raises:
        DomainError: INVALID.
    """
    return _id_of(cursor, _PRODUCT)


def encode_inbox_event(event_id: UUID) -> Cursor:
    """Return the cursor of a delivery."""
    return _encode(_INBOX_EVENT, _ID_PAYLOAD.pack(event_id.bytes))


def decode_inbox_event(cursor: str) -> UUID:
    """Return the id of a delivery.

    Raises:
        DomainError: INVALID.
    """
    return _id_of(cursor, _INBOX_EVENT)


def encode_payment(payment_id: UUID) -> Cursor:
    """Return the cursor of a payment in the list of all."""
    return _encode(_PAYMENT, _ID_PAYLOAD.pack(payment_id.bytes))


def decode_payment(cursor: str) -> UUID:
    """Return the id of a payment.

    Raises:
        DomainError: INVALID.
    """
    return _id_of(cursor, _PAYMENT)


def encode_suspense_item(item: SuspenseItem) -> Cursor:
    """Return the cursor of a suspense item."""
    microseconds = (item.created_at - _EPOCH) // _MICROSECOND
    return _encode(_SUSPENSE_ITEM, _INSTANT_PAYLOAD.pack(microseconds, item.id.bytes))


def decode_suspense_item(cursor: str) -> tuple[datetime, UUID]:
    """Return when a suspense item was made, and its id.

    Raises:
        DomainError: INVALID.
    """
    microseconds, item_id = _unpack(_INSTANT_PAYLOAD, _payload(cursor, _SUSPENSE_ITEM))
    return _instant_of(microseconds), UUID(bytes=item_id)


def _id_of(cursor: str, kind: bytes) -> UUID:
    (found,) = _unpack(_ID_PAYLOAD, _payload(cursor, kind))
    return UUID(bytes=found)


def _instant_of(microseconds: int) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        raise _invalid() from None


def _number_of(sort: OrderSort) -> int:
    return list(type(sort)).index(sort)


def _encode(kind: bytes, payload: bytes) -> Cursor:
    return Cursor(urlsafe_b64encode(_FORMAT + kind + payload).rstrip(b"=").decode())


def _payload(cursor: str, expected: bytes) -> bytes:
    kind, payload = _decode(cursor)
    if kind != expected:
        raise _invalid()
    return payload


def _decode(cursor: str) -> tuple[bytes, bytes]:
    try:
        content = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (Base64Error, ValueError):
        raise _invalid() from None
    if not content.startswith(_FORMAT) or _encode(content[1:2], content[2:]) != cursor:
        raise _invalid()
    return content[1:2], content[2:]


def _unpack(shape: struct.Struct, payload: bytes) -> tuple[Any, ...]:
    try:
        return shape.unpack(payload)
    except struct.error:
        raise _invalid() from None


def _not_negative(number: int) -> int:
    if number < 0:
        raise _invalid()
    return number


def _invalid() -> DomainError:
    return DomainError(
        ErrorCode.INVALID,
        "This cursor is not one of this list. Send one that this list gave, unchanged, or none to start over.",
        ("after",),
    )
