"""Writes done at most once under their key, and calls that come too fast.

As Stripe documents it, a key's first answer is kept once its work had begun, whatever its status, and given again for
the same call; parameters that were refused, a call beside another one and a limit on the rate leave the key free.
Stripe keeps keys for at least a day. Here a fault's is kept for some seconds, so that what waits for its key is seen to
go on, and all others as long as the simulator runs.
Source: docs.stripe.com/api/idempotent_requests, read in November 2026.
"""

from __future__ import annotations

import hashlib
import math
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson
from starlette.responses import Response

from app.simulators.stripe.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.simulators.stripe.forms import Form

KEY_CHARS_MAX: Final = 255
_KIND: Final = "idempotency_error"


@dataclass(frozen=True, slots=True)
class _Kept:
    path: str
    fingerprint: bytes
    status: int
    body: bytes
    request_id: str
    until: float = math.inf
    """On the monotonic clock, in seconds."""


@dataclass(slots=True)
class Turn:
    """One call's turn under its key. `replay` is the answer of an earlier one."""

    keys: Keys
    key: str | None
    path: str
    fingerprint: bytes
    request_id: str
    replay: Response | None = None

    def keep(self, response: Response, seconds: float = math.inf) -> None:
        """Keep the answer for so long, and let the next call with this key have it."""
        if self.key is not None and self.replay is None:
            body = bytes(response.body)
            until = time.monotonic() + seconds
            self.keys.kept[self.key] = _Kept(
                self.path, self.fingerprint, response.status_code, body, self.request_id, until
            )
            self.keys.working.discard(self.key)


class Keys:
    """The keys that were used."""

    def __init__(self) -> None:
        self.kept: dict[str, _Kept] = {}
        self.working: set[str] = set()
        self.fault_seconds = 5.0
        """How long the answer is kept that was a fault of Stripe's own."""

    @contextmanager
    def turn(self, key: str | None, path: str, form: Form, request_id: str) -> Iterator[Turn]:
        """Take a turn.

        Raises:
            RefusedError: the key is in use, or stands for another call.
        """
        asked = hashlib.sha256(orjson.dumps(form, option=orjson.OPT_SORT_KEYS)).digest()
        turn = Turn(self, key, path, asked, request_id)
        if key is None:
            yield turn
            return
        if len(key) > KEY_CHARS_MAX:
            raise RefusedError(f"Idempotency keys can have up to {KEY_CHARS_MAX} characters.")
        if key in self.kept and self.kept[key].until <= time.monotonic():
            del self.kept[key]
        if key in self.kept:
            turn.replay = self._replay(key, turn)
            yield turn
            return
        if key in self.working:
            raise RefusedError(
                "There is currently another in-progress request using this Idempotent Key (that probably means"
                f" you submitted twice, and the other request is still going through): {key}."
                " Please try again later.",
                status=409,
                kind=_KIND,
                code="idempotency_key_in_use",
            )
        self.working.add(key)
        try:
            yield turn
        finally:
            self.working.discard(key)

    def _replay(self, key: str, turn: Turn) -> Response:
        kept = self.kept[key]
        again = f"Try using a key other than '{key}' if you meant to execute a different request."
        if kept.path != turn.path:
            raise RefusedError(
                "Keys for idempotent requests can only be used for the same endpoint they were first used for"
                f" ('{turn.path}' vs '{kept.path}'). {again}",
                kind=_KIND,
            )
        if kept.fingerprint != turn.fingerprint:
            raise RefusedError(
                "Keys for idempotent requests can only be used with the same parameters they were first used"
                f" with. {again}",
                kind=_KIND,
            )
        headers = {"Idempotent-Replayed": "true", "Original-Request": kept.request_id}
        return Response(kept.body, kept.status, headers, "application/json")


class Rate:
    """How many calls a second are let through; any number unless a limit is set."""

    def __init__(self) -> None:
        self.calls_per_second_max: int | None = None
        self._second = 0
        self._calls = 0

    def allows(self) -> bool:
        """Count a call, and say whether it may go on."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._calls = second, 0
        self._calls += 1
        return self.calls_per_second_max is None or self._calls <= self.calls_per_second_max
