"""Reading Stripe's JSON: every field may be missing, null, an id or the whole object, or not what it should be.

A field of the wrong type is a ValueError that names it, never a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from app.gateways.stripe.amounts import from_stripe

if TYPE_CHECKING:
    from app.domain.money import Money

Json = Mapping[str, Any]


def text(obj: Json, name: str) -> str | None:
    """Return a text, or None when it is missing or null."""
    value = obj.get(name)
    if value is None or isinstance(value, str):
        return value
    raise _wrong(obj, name, "a text")


def required_text(obj: Json, name: str) -> str:
    """Return a text that must be there."""
    value = text(obj, name)
    if not value:
        raise _wrong(obj, name, "a text")
    return value


def number(obj: Json, name: str) -> int | None:
    """Return an integer, or None when it is missing or null."""
    value = obj.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise _wrong(obj, name, "an integer")


def money(obj: Json, name: str) -> Money | None:
    """Return an amount in the object's own currency, or None when it is missing or null."""
    amount = number(obj, name)
    if amount is not None and amount < 0:
        raise _wrong(obj, name, "an amount")
    return None if amount is None else from_stripe(amount, required_text(obj, "currency"))


def required_money(obj: Json, name: str) -> Money:
    """Return an amount that must be there."""
    amount = money(obj, name)
    if amount is None:
        raise _wrong(obj, name, "an integer")
    return amount


def moment(obj: Json, name: str) -> datetime | None:
    """Return a time, which Stripe gives in whole seconds since 1970, or None when it is missing or null."""
    seconds = number(obj, name)
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        raise _wrong(obj, name, "a time") from None


def part(obj: Json, name: str) -> Json:
    """Return a nested object, empty when it is missing, null or only an id."""
    value = obj.get(name)
    return value if isinstance(value, Mapping) else {}


def id_of(obj: Json, name: str) -> str | None:
    """Return the id of an object that may be told by its id or as a whole."""
    value = obj.get(name)
    return text(value, "id") if isinstance(value, Mapping) else text(obj, name)


def listed(obj: Json, name: str) -> list[Json]:
    """Return the objects of a nested list, empty when it is not there."""
    entries = part(obj, name).get("data")
    return [entry for entry in entries if isinstance(entry, Mapping)] if isinstance(entries, list) else []


def own_id(obj: Json, name: str) -> UUID | None:
    """Return an id of ours from the metadata, or None when there is none or it is not ours."""
    value = part(obj, "metadata").get(name)
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _wrong(obj: Json, name: str, expected: str) -> ValueError:
    return ValueError(f"Stripe's {obj.get('object') or 'object'} has {name!r} that is not {expected}.")
