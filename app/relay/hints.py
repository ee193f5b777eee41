"""The words that processes exchange: which orders came to which version, and who says so.

A message is `1 ORIGIN`, then `ID:VERSION` for each order, or `*` for "any order may have changed". Without either it
says nothing to others; its sender learns from it that what it sends arrives.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MESSAGE_BYTES_MAX: Final = 7_800
"""PostgreSQL refuses notifications of 8,000 bytes; this leaves room for the channel's name."""

_FORMAT: Final = "1"
_EVERYTHING: Final = "*"
_MESSAGE: Final = re.compile(r"1 ([0-9a-z]{1,32})((?: [0-9a-f]{32}:[1-9][0-9]{0,17})*|(?: \*))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """One message. `everything`: more changed than can be listed."""

    origin: str
    versions: tuple[tuple[UUID, int], ...]
    everything: bool


def encode(origin: str, versions: Iterable[tuple[UUID, int]]) -> Iterator[str]:
    """Yield the messages that tell of these versions, as few as fit."""
    start = message = f"{_FORMAT} {origin}"
    for order_id, version in versions:
        hint = f" {order_id.hex}:{version}"
        if len(message) + len(hint) > MESSAGE_BYTES_MAX:
            yield message
            message = start
        message += hint
    if message != start:
        yield message


def encode_everything(origin: str) -> str:
    """Return the message that any order may have changed."""
    return f"{_FORMAT} {origin} {_EVERYTHING}"


def encode_echo(origin: str) -> str:
    """Return the message that means something to its sender only."""
    return f"{_FORMAT} {origin}"


def decode(message: object) -> Hints | None:
    """Return what a message says, or None when it is none of ours: anybody may write to a broker's channel."""
    if not isinstance(message, str) or (matched := _MESSAGE.fullmatch(message)) is None:
        return None
    words = matched[2].split()
    everything = words == [_EVERYTHING]
    return Hints(
        origin=matched[1],
        versions=() if everything else tuple(_hint(word) for word in words),
        everything=everything,
    )


def _hint(word: str) -> tuple[UUID, int]:
    order_id, _, version = word.partition(":")
    return (UUID(hex=order_id), int(version))
