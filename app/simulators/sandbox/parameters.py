"""What a caller may send: bodies and parameters, read strictly, each refused by name."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

import orjson

from app.domain.money import AMOUNT_MINOR_MAX, CURRENCY_EXPONENTS
from app.simulators.sandbox.errors import ApiError
from app.simulators.sandbox.objects import Payment, new_id
from app.simulators.sandbox.transitions import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from app.simulators.sandbox.transitions import Clock

BODY_BYTES_MAX: Final = 64 * 1024
PAGE_SIZE_MAX: Final = 100
METADATA_KEYS_MAX: Final = 50
METADATA_KEY_MAX: Final = 40
METADATA_VALUE_MAX: Final = 500
TEXT_MAX: Final = 500
URL_MAX: Final = 2048
_IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_URL: Final = re.compile(r"[\x21-\x7e]+")

_Choice = TypeVar("_Choice", bound=str)


async def read_body(request: Request) -> bytes:
    """Return the body, and stop reading where it gets too long."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise ApiError("body_too_large", f"A body has at most {BODY_BYTES_MAX} bytes.", status=413)
    return bytes(body)


async def read_json(request: Request) -> dict[str, Any]:
    """Return the body as a JSON object; an empty body is an empty one."""
    raw = await read_body(request)
    try:
        body = orjson.loads(raw or b"{}")
    except orjson.JSONDecodeError as error:
        raise ApiError("body_invalid", f"The body is not JSON: {error}.") from None
    if not isinstance(body, dict):
        raise ApiError("body_invalid", "The body must be a JSON object.")
    return body


def idempotency_key(request: Request) -> str | None:
    """Return the header `Idempotency-Key`, if there is one."""
    key = request.headers.get("idempotency-key")
    if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
        raise ApiError(
            "parameter_invalid", "Idempotency-Key has 1 to 255 visible characters.", param="Idempotency-Key"
        )
    return key


def only(body: Mapping[str, Any], *known: str) -> None:
    """Refuse parameters that are not known, for a misspelt one must not be passed over."""
    if unknown := sorted(set(body) - set(known)):
        raise ApiError(
            "parameter_unknown", f"Received unknown parameter: {unknown[0][:64]}.", param=unknown[0][:64]
        )


def new_payment(body: Mapping[str, Any], now: Clock) -> Payment:
    """Read what POST /v1/payments takes."""
    only(body, "amount", "currency", "capture_method", "return_url", "metadata")
    amount = optional_amount(body)
    if amount is None:
        raise ApiError("parameter_missing", "Missing required parameter: amount.", param="amount")
    return Payment(
        id=new_id("pay"),
        amount=amount,
        currency=_currency(body.get("currency")),
        capture_method=choice(body, "capture_method", ("automatic", "manual"), default="automatic"),
        return_url=_return_url(body.get("return_url")),
        metadata=metadata(body),
        created=now(),
    )


def optional_amount(body: Mapping[str, Any]) -> int | None:
    """Read `amount`, a positive integer of minor units, or None for all there is."""
    amount = body.get("amount")
    if amount is None:
        return None
    if type(amount) is not int or not 0 < amount <= AMOUNT_MINOR_MAX:
        raise _invalid("amount", f"must be an integer of minor units from 1 to {AMOUNT_MINOR_MAX}")
    return amount


def flag(body: Mapping[str, Any], name: str, *, default: bool) -> bool:
    """Read a truth value."""
    given = body.get(name)
    if given is None:
        return default
    if not isinstance(given, bool):
        raise _invalid(name, "must be true or false")
    return given


def metadata(body: Mapping[str, Any]) -> dict[str, str]:
    """Read `metadata`: a few short texts by name."""
    given = body.get("metadata") or {}
    fits = (
        isinstance(given, dict)
        and len(given) <= METADATA_KEYS_MAX
        and all(
            len(key) <= METADATA_KEY_MAX and isinstance(value, str) and len(value) <= METADATA_VALUE_MAX
            for key, value in given.items()
        )
    )
    if not fits:
        raise _invalid(
            "metadata",
            f"must be at most {METADATA_KEYS_MAX} texts of {METADATA_VALUE_MAX} characters, "
            f"named in {METADATA_KEY_MAX}",
        )
    return dict(given)


def text(body: Mapping[str, Any], name: str) -> str | None:
    """Read a short text, if it is there."""
    value = body.get(name)
    if value is not None and not (isinstance(value, str) and len(value) <= TEXT_MAX):
        raise _invalid(name, f"must be a text of at most {TEXT_MAX} characters")
    return value


def choice(
    body: Mapping[str, Any], name: str, choices: tuple[_Choice, ...], *, default: _Choice | None = None
) -> _Choice:
    """Read one of a few words."""
    value = body.get(name, default)
    for known in choices:
        if value == known:
            return known
    raise _invalid(name, f"must be one of: {', '.join(choices)}")


def since(query: Mapping[str, str]) -> str:
    """Read `since`, an RFC 3339 time, from the beginning where left out."""
    given = query.get("since")
    try:
        moment = datetime.fromisoformat(given) if given else datetime.fromtimestamp(0, UTC)
    except ValueError:
        raise _invalid("since", "must be an RFC 3339 time") from None
    if moment.tzinfo is None:
        raise _invalid("since", "must name its time zone")
    return rfc3339(moment.astimezone(UTC))


def limit(query: Mapping[str, str]) -> int:
    """Read `limit`, the size of a page."""
    given = query.get("limit", str(PAGE_SIZE_MAX))
    if not re.fullmatch(r"[0-9]{1,3}", given) or not 1 <= int(given) <= PAGE_SIZE_MAX:
        raise _invalid("limit", f"must be an integer from 1 to {PAGE_SIZE_MAX}")
    return int(given)


def _currency(value: object) -> str:
    if not isinstance(value, str) or value not in CURRENCY_EXPONENTS:
        raise _invalid("currency", "must be an ISO 4217 code in capitals, e.g. INR")
    return value


def _return_url(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > URL_MAX or not _URL.fullmatch(value):
        raise _invalid("return_url", f"must be a URL of at most {URL_MAX} characters")
    try:
        parts = urlsplit(value)
        fine = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        fine = False
    if not fine or parts.username is not None:
        raise _invalid("return_url", "must be an absolute http or https URL without user information")
    return value


def _invalid(param: str, message: str) -> ApiError:
    return ApiError("parameter_invalid", f"{param} {message}.", param=param)
