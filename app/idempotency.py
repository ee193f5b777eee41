"""Idempotency keys as Stripe promises them: same key and input, same answer; other input or in flight, named errors.

The row's id is the id of what the key makes (order, payment, refund), so that a repeated call, even after a crash,
goes on with the same thing, and with the same keys towards the gateway.
Source: https://docs.stripe.com/api/idempotent_requests, 2026-11.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

import orjson

from app.domain.errors import DomainError, ErrorCode
from app.identity import new_id
from db import orders as store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Any

    from db.pool import Database

KEY_LENGTH_MAX: Final = 255
LEASE_SECONDS: Final = 60.0
"""How long a key stays taken when its holder dies. Longer than any gateway call may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a mutation came to. Stored under its key as it is, and told again to whoever repeats the call."""

    order_id: UUID | None = None
    payment_id: UUID | None = None
    refund_id: UUID | None = None
    token_id: UUID | None = None
    suspense_id: UUID | None = None
    error: DomainError | None = None
    replayed: bool = False

    def to_json(self) -> dict[str, object]:
        """Return what is stored."""
        ids = {
            "order_id": self.order_id,
            "payment_id": self.payment_id,
            "refund_id": self.refund_id,
            "token_id": self.token_id,
            "suspense_id": self.suspense_id,
        }
        stored: dict[str, object] = {name: str(value) for name, value in ids.items() if value is not None}
        if self.error is not None:
            stored["error"] = {
                "code": self.error.code,
                "message": self.error.message,
                "field": list(self.error.field),
            }
        return stored

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> Answer:
        """Return a stored answer, marked as told again."""
        error = stored.get("error")
        return cls(
            order_id=_uuid(stored.get("order_id")),
            payment_id=_uuid(stored.get("payment_id")),
            refund_id=_uuid(stored.get("refund_id")),
            token_id=_uuid(stored.get("token_id")),
            suspense_id=_uuid(stored.get("suspense_id")),
            error=_error(error) if isinstance(error, dict) else None,
            replayed=True,
        )


def _uuid(value: object) -> UUID | None:
    return UUID(value) if isinstance(value, str) else None


def _error(stored: Mapping[str, object]) -> DomainError:
    field = stored["field"]
    assert isinstance(field, list), "stored by to_json"  # noqa: S101 - our own format
    return DomainError(ErrorCode(str(stored["code"])), str(stored["message"]), tuple(field))


class Idempotency:
    """Runs work once for each key of a caller."""

    def __init__(self, database: Database, *, lease_seconds: float = LEASE_SECONDS) -> None:
        self._database = database
        self._lease_seconds = lease_seconds

    async def once(
        self,
        scope: str,
        key: str,
        request: Mapping[str, object],
        work: Callable[[UUID], Awaitable[Answer]],
    ) -> Answer:
        """Return the work's answer, or the first one when the key was used before.

        `scope` is the caller and the operation. `work` gets the key's id, and stores its answer under it in the
        very transaction that does what the key is for. A refusal stores nothing: the key may be used again.

        Raises:
            DomainError: IDEMPOTENCY_KEY_PARAMETER_MISMATCH, IDEMPOTENCY_CONCURRENT_REQUEST, INVALID for a key
                that is empty or too long, or what the work refuses.
        """
        if not 0 < len(key) <= KEY_LENGTH_MAX or "\x00" in key:
            raise DomainError(
                ErrorCode.INVALID,
                f"An idempotency key has 1 to {KEY_LENGTH_MAX} characters.",
                ("idempotencyKey",),
            )
        fingerprint = hashlib.sha256(orjson.dumps(request, option=orjson.OPT_SORT_KEYS, default=str)).digest()
        row, ours = await store.claim_key(
            self._database, new_id(), scope, key, fingerprint, self._lease_seconds
        )
        if row["request_hash"] != fingerprint:
            raise DomainError(
                ErrorCode.IDEMPOTENCY_KEY_PARAMETER_MISMATCH,
                "This key was used before with other input. Use a new key for a new request.",
                ("idempotencyKey",),
            )
        if row["answer"] is not None:
            return Answer.from_json(row["answer"])
        if not ours:
            raise DomainError(
                ErrorCode.IDEMPOTENCY_CONCURRENT_REQUEST,
                "A request with this key is still at work. Send it again in a moment.",
                ("idempotencyKey",),
            )
        try:
            return await work(row["id"])
        except BaseException:
            # Also when the caller goes away: without an answer the key has to be free for the next try.
            await store.release_key(self._database, row["id"])
            raise

    async def intent(self, key_id: UUID, decide: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """Return what the key's first use set out to do, which `decide` says at that use, or refuses.

        A try of which no answer came may have changed what `decide` goes by; what a gateway is asked for under one
        key stays the same all the same.
        """
        known = await store.intent_of_key(self._database, key_id)
        if known is None:
            known = decide()
            await store.write_intent(self._database, key_id, known)
        return known
