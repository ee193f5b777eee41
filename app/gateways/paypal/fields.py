"""Reading PayPal's JSON: every field may be missing, null, in one of two shapes, or not what it should be.

Resources of version 1.0 have `state` and `amount.total`, those of 2.0 `status` and `amount.value`. A field of the wrong
type is a ValueError that names it, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from app.gateways.paypal.amounts import from_paypal

if TYPE_CHECKING:
    from app.domain.money import Money

Json = Mapping[str, Any]

ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_OWN_SEPARATOR: Final = "_"
"""A refund's `custom_id` is of `A-Z a-z 0-9 - _ . ,`. Source: developer.paypal.com/api/payments/v2, `refund`, read in
November 2026."""
_OWN_SEPARATORS: Final = re.compile(r"[_/]")
"""Refunds of before have a slash."""


def text(obj: Json, name: str) -> str | None:
    """Return a text, or None when it is missing or null."""
    value = obj.get(name)
    if value is None or isinstance(value, str):
        return value
    raise _wrong(name, "a text")


def required_text(obj: Json, name: str) -> str:
    """Return a text that must be there."""
    value = text(obj, name)
    if not value:
        raise _wrong(name, "a text")
    return value


def path_id(obj: Json) -> str:
    """Return an object's id, which must be one that may stand in a path."""
    found = required_text(obj, "id")
    if not ID.fullmatch(found):
        raise ValueError("PayPal's object has an id that is none.")
    return found


def part(obj: Json, name: str) -> Json:
    """Return a nested object, empty when it is missing or null."""
    value = obj.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _wrong(name, "an object")
    return value


def listed(obj: Json, name: str) -> list[Json]:
    """Return a list of objects, empty when it is missing or null."""
    value = obj.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
        raise _wrong(name, "a list of objects")
    return value


def status_of(obj: Json) -> str:
    """Return the status in capitals, whichever shape it is in; empty when there is none."""
    return (text(obj, "status") or text(obj, "state") or "").upper()


def money(obj: Json, name: str) -> Money | None:
    """Return an amount, or None when it is missing or null."""
    told = part(obj, name)
    if not told:
        return None
    value = text(told, "value") or text(told, "total")
    currency = text(told, "currency_code") or text(told, "currency")
    if not value or not currency:
        raise _wrong(name, "an amount")
    return from_paypal(value, currency)


def required_money(obj: Json, name: str) -> Money:
    """Return an amount that must be there."""
    amount = money(obj, name)
    if amount is None:
        raise _wrong(name, "an amount")
    return amount


def moment(obj: Json, name: str) -> datetime | None:
    """Return a time in UTC; PayPal writes some with Z and some with an offset."""
    value = text(obj, name)
    if value is None:
        return None
    try:
        read = datetime.fromisoformat(value)
        if read.tzinfo is None:
            raise _wrong(name, "a time with its zone")
        return read.astimezone(UTC)
    except (OverflowError, ValueError):
        raise _wrong(name, "a time with its zone") from None


def link(obj: Json, *rels: str) -> str | None:
    """Return where the first link of one of these kinds leads."""
    for entry in listed(obj, "links"):
        if text(entry, "rel") in rels:
            return text(entry, "href")
    return None


def parent(obj: Json, kind: str) -> str | None:
    """Return the id of the object of that kind (orders, authorizations, captures) that the `up` links name."""
    for entry in listed(obj, "links"):
        if text(entry, "rel") == "up":
            *_, collection, name = ["", "", *urlsplit(text(entry, "href") or "").path.split("/")]
            if collection in (kind, kind.removesuffix("s")) and ID.fullmatch(name):
                return name
    return None


def related(obj: Json, name: str) -> str | None:
    """Return an id from `supplementary_data.related_ids`."""
    return text(part(part(obj, "supplementary_data"), "related_ids"), name)


def own_ids(obj: Json) -> tuple[UUID | None, UUID | None]:
    """Return our ids of the payment and of the refund, as far as the object carries them.

    A refund that was not asked for by us has its capture's `custom_id`, so one of ours names both.
    """
    carried = text(obj, "custom_id") or text(obj, "custom") or ""
    payment, refund, *_ = [*_OWN_SEPARATORS.split(carried, maxsplit=1), ""]
    return _uuid(payment), _uuid(refund)


def refund_custom_id(payment_id: UUID, refund_id: UUID) -> str:
    """Return what a refund carries: our ids of the payment and of it."""
    return f"{payment_id}{_OWN_SEPARATOR}{refund_id}"


def _uuid(value: str) -> UUID | None:
    try:
        return UUID(value) if value else None
    except ValueError:
        return None


def _wrong(name: str, expected: str) -> ValueError:
    return ValueError(f"PayPal's object has {name!r} that is not {expected}.")
