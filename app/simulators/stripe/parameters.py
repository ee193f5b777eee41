"""Reading what a client sends, as strictly as the API reference says: what it does not name is refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from app.simulators.stripe.errors import RefusedError

if TYPE_CHECKING:
    from app.simulators.stripe.forms import Form

METADATA_KEYS_MAX: Final = 50
METADATA_KEY_CHARS_MAX: Final = 40
METADATA_CHARS_MAX: Final = 500
TEXT_CHARS_MAX: Final = 5000
_INTEGER: Final = re.compile(r"-?[0-9]{1,15}")
_BOOLEANS: Final = {"true": True, "false": False}


class Parameters:
    """One call's parameters, or a part of them. `unplayed` are documented, but nothing that is simulated here."""

    def __init__(self, form: Form, known: str, unplayed: str = "", *, inside: str = "") -> None:
        words = set(known.split())
        extra = [self._path(inside, name) for name in form if name not in words]
        idle = [name for name in form if name in unplayed.split()]
        if idle:
            raise RefusedError(f"The simulator does not play {', '.join(idle)}.", param=idle[0])
        if extra:
            many = "s" if len(extra) > 1 else ""
            raise RefusedError(
                f"Received unknown parameter{many}: {', '.join(extra)[:200]}",
                code="parameter_unknown",
                param=extra[0][:64],
            )
        self._form = form
        self._inside = inside

    def __contains__(self, name: str) -> bool:
        return name in self._form

    def text(self, name: str, most: int = TEXT_CHARS_MAX) -> str | None:
        """Return a text; None when it is missing, or empty, which unsets it."""
        value = self._form.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise RefusedError(f"Invalid string: {self.path(name)}", param=self.path(name))
        if len(value) > most:
            raise RefusedError(
                f"Invalid string: {self.path(name)} must be at most {most} characters", param=self.path(name)
            )
        return value

    def required(self, name: str) -> str:
        """Return a text that must be there."""
        value = self.text(name)
        if value is None:
            raise RefusedError(
                f"Missing required param: {self.path(name)}.",
                code="parameter_missing",
                param=self.path(name),
            )
        return value

    def choice(self, name: str, *choices: str) -> str | None:
        """Return one of some words, or None."""
        value = self.text(name)
        if value is not None and value not in choices:
            raise RefusedError(
                f"Invalid {self.path(name)}: must be one of {', '.join(choices)}", param=self.path(name)
            )
        return value

    def integer(self, name: str) -> int | None:
        """Return an integer, or None."""
        value = self.text(name)
        if value is None:
            return None
        if not _INTEGER.fullmatch(value):
            raise RefusedError(
                f"Invalid integer: {value[:64]}", code="parameter_invalid_integer", param=self.path(name)
            )
        return int(value)

    def boolean(self, name: str) -> bool | None:
        """Return true or false, or None."""
        value = self.text(name)
        if value is None:
            return None
        if value not in _BOOLEANS:
            raise RefusedError(f"Invalid boolean: {value[:64]}", param=self.path(name))
        return _BOOLEANS[value]

    def texts(self, name: str, most: int = 100) -> list[str]:
        """Return a list of texts; empty when it is missing."""
        value = self._form.get(name)
        if value is None or value == "":
            return []
        if not isinstance(value, list):
            raise RefusedError("Invalid array", param=self.path(name))
        texts = [item for item in value if isinstance(item, str)]
        if len(texts) < len(value) or len(texts) > most:
            raise RefusedError("Invalid array", param=self.path(name))
        return texts

    def part(self, name: str, known: str, unplayed: str = "") -> Parameters | None:
        """Return a nested object, or None."""
        value = self._form.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, dict):
            raise RefusedError("Invalid object", param=self.path(name))
        return Parameters(value, known, unplayed, inside=self.path(name))

    def tree(self, name: str) -> Form:
        """Return a nested object as it is; empty when it is missing."""
        value = self._form.get(name, {})
        if not isinstance(value, dict):
            raise RefusedError("Invalid object", param=self.path(name))
        return value

    def metadata(self, before: dict[str, str] | None = None) -> dict[str, str]:
        """Return the metadata with what is given; an empty value takes a key away."""
        given = self._form.get("metadata")
        if given is None:
            return dict(before or {})
        if given == "":
            return {}
        if not isinstance(given, dict):
            raise RefusedError("Invalid object", param="metadata")
        merged = dict(before or {})
        for key, value in given.items():
            if not isinstance(value, str) or len(value) > METADATA_CHARS_MAX:
                raise RefusedError(
                    f"Metadata values can have up to {METADATA_CHARS_MAX} characters.",
                    param=f"metadata[{key[:40]}]",
                )
            if len(key) > METADATA_KEY_CHARS_MAX:
                raise RefusedError(
                    f"Metadata keys can have up to {METADATA_KEY_CHARS_MAX} characters.", param="metadata"
                )
            merged[key] = value
        kept = {key: value for key, value in merged.items() if value}
        if len(kept) > METADATA_KEYS_MAX:
            raise RefusedError(f"You can have up to {METADATA_KEYS_MAX} keys.", param="metadata")
        return kept

    def path(self, name: str) -> str:
        """Return a parameter's name as the client wrote it."""
        return self._path(self._inside, name)

    @staticmethod
    def _path(inside: str, name: str) -> str:
        return f"{inside}[{name}]" if inside else name
