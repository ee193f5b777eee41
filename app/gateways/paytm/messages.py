"""Paytm's messages: JSON with a head and a body, of which the body is signed exactly as it is written."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

_SPACE: Final = " \t\n\r"
FIELDS_MAX: Final = 16
"""Of a message itself: it has a head and a body."""


def split(text: str) -> tuple[dict[str, Any], str]:
    """Return a message's head, and its body as it is written.

    Only the outermost object is looked into: a `body` further inside, signed or not, is not the body.

    Raises:
        ValueError: it is no JSON object with a head and a body, or names something twice.
    """
    found: dict[str, tuple[Any, str]] = {}
    at = _expect(text, _skip(text, 0), "{")
    while not found or text[at : at + 1] == ",":
        at = _skip(text, at + 1 if found else at)
        name, at = _decoded(text, at)
        start = _skip(text, _expect(text, _skip(text, at), ":"))
        value, end = _decoded(text, start)
        if not isinstance(name, str) or name in found or len(found) >= FIELDS_MAX:
            raise ValueError("a message's names are few, and each is used once")
        found[name] = (value, text[start:end])
        at = _skip(text, end)
    if _skip(text, _expect(text, at, "}")) != len(text):
        raise ValueError("there is something after the message")
    head, body = found.get("head"), found.get("body")
    if head is None or body is None or not isinstance(head[0], dict):
        raise ValueError("a message has a head and a body")
    return head[0], body[1]


def read_object(text: str) -> dict[str, Any]:
    """Return a JSON object in which nothing is named twice.

    Raises:
        ValueError: it is none.
    """
    value, end = _decoded(text, _skip(text, 0))
    if not isinstance(value, dict) or _skip(text, end) != len(text):
        raise ValueError("not a JSON object")
    return value


def _decoded(text: str, at: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _expect(text: str, at: int, sign: str) -> int:
    if text[at : at + 1] != sign:
        raise ValueError(f"not {sign!r} at {at}")
    return at + 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise ValueError("something is named twice")
    return read


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse)
