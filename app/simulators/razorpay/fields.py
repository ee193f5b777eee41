"""Reading what the merchant sends, as strictly as the documentation says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from app.domain.money import CURRENCY_EXPONENTS
from app.simulators.razorpay.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

BODY_BYTES_MAX: Final = 256 * 1024
NOTES_MAX: Final = 15
NOTE_CHARS_MAX: Final = 256
INR_PAISE_MIN: Final = 100
COUNT_MAX: Final = 100
_AMOUNT_MAX: Final = 2**53 - 1
_LONG_EXPONENT: Final = 3


class Fields:
    """A JSON object with no other fields than are known."""

    def __init__(self, body: Mapping[str, Any], *known: str) -> None:
        extra = sorted(set(body) - set(known))
        if extra:
            raise RefusedError(f"{', '.join(extra)[:64]} is/are not required and should not be sent")
        self._body = body

    def required(self, name: str) -> Any:  # noqa: ANN401 - any JSON
        """Return a field that must be there."""
        value = self._body.get(name)
        if value is None:
            raise RefusedError(f"The {name} field is required.", field=name)
        return value

    def text(self, name: str, most: int = 255) -> str | None:
        """Return a text, or None."""
        value = self._body.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise RefusedError(f"The {name} must be a string.", field=name)
        if len(value) > most:
            raise RefusedError(f"The {name} may not be greater than {most} characters.", field=name)
        return value

    def required_text(self, name: str) -> str:
        """Return a text that must be there."""
        self.required(name)
        return self.text(name) or ""

    def choice(self, name: str, *choices: str) -> str:
        """Return one of some words."""
        value = self.required(name)
        if value not in choices:
            raise RefusedError(f"The selected {name} is invalid.", field=name)
        return str(value)

    def integer(self, name: str) -> int | None:
        """Return an integer, or None."""
        value = self._body.get(name)
        if value is None:
            return None
        if type(value) is not int:
            raise RefusedError(f"The {name} must be an integer.", field=name)
        return value

    def currency(self) -> str:
        """Return the currency."""
        code = self.required_text("currency")
        if code not in CURRENCY_EXPONENTS:
            raise RefusedError("Currency is not supported", field="currency")
        return code

    def amount(self, name: str, currency: str) -> int:
        """Return an amount in the currency's smallest unit: at least one rupee, three decimals end in 0."""
        self.required(name)
        amount = self.integer(name) or 0
        if amount < (INR_PAISE_MIN if currency == "INR" else 1):
            least = "INR 1.00" if currency == "INR" else f"{currency} 0.01"
            raise RefusedError(f"The amount must be at least {least}", field=name)
        if amount > _AMOUNT_MAX or (CURRENCY_EXPONENTS[currency] == _LONG_EXPONENT and amount % 10):
            raise RefusedError(f"The {name} is invalid.", field=name)
        return amount

    def notes(self) -> dict[str, str]:
        """Return the notes: at most 15 pairs of at most 256 characters."""
        notes = self._body.get("notes") or {}
        if not isinstance(notes, dict) or len(notes) > NOTES_MAX:
            raise RefusedError(f"Number of fields in notes should be less than or equal to {NOTES_MAX}")
        if not all(isinstance(note, str) and len(note) <= NOTE_CHARS_MAX for note in notes.values()):
            raise RefusedError(f"notes value may not be greater than {NOTE_CHARS_MAX} characters.")
        return notes

    def part(self, name: str, *known: str) -> Fields | None:
        """Return a nested object, or None."""
        value = self._body.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise RefusedError(f"The {name} must be an array.", field=name)
        return Fields(value, *known)


async def body_of(request: Request) -> dict[str, Any]:
    """Return the body as a JSON object; an empty body is an empty one."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > BODY_BYTES_MAX:
            raise RefusedError("The request is too long.", status=413)
    try:
        body = orjson.loads(bytes(raw) or b"{}")
    except orjson.JSONDecodeError:
        raise RefusedError("The request is not valid JSON.") from None
    if not isinstance(body, dict):
        raise RefusedError("The request must be a JSON object.")
    return body


def query_integer(request: Request, name: str, default: int, most: int) -> int:
    """Return a number of the query."""
    given = request.query_params.get(name)
    if given is None:
        return default
    if not (given.isascii() and given.isdigit() and len(given) <= len(str(most)) and int(given) <= most):
        raise RefusedError(f"The {name} may not be greater than {most}.", field=name)
    return int(given)
