"""Credentials that are kept here, as hashes: guests' order tokens and services' API keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from db.pool import Database, Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrder:
    """The order that a token opens now, and until when, in seconds since the epoch."""

    order_id: UUID
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A service's key, without the key. `expires_at` in seconds since the epoch."""

    id: UUID
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: float | None
    revoked_at: datetime | None


_API_KEY = "id, name, scopes, created_at, extract(epoch FROM expires_at)::float8 AS expires_at, revoked_at"


class CredentialStore:
    """What is known of credentials by their hash."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def open_order(self, token_hash: bytes) -> OpenOrder | None:
        """Return the order that a token opens, unless it has expired or was revoked."""
        row = await self._reader.fetch_row(
            """SELECT order_id, extract(epoch FROM expires_at)::float8 AS expires_at FROM order_access_tokens
                WHERE token_hash = $1 AND expires_at > clock_timestamp() AND revoked_at IS NULL""",
            token_hash,
        )
        return OpenOrder(**row) if row else None

    async def api_key(self, key_hash: bytes) -> ApiKey | None:
        """Return a key, unless it has expired or was revoked."""
        row = await self._reader.fetch_row(
            f"""SELECT {_API_KEY} FROM api_keys
                 WHERE key_hash = $1 AND (expires_at IS NULL OR expires_at > clock_timestamp())
                   AND revoked_at IS NULL""",
            key_hash,
        )
        return _key(row) if row else None

    async def valid(self, order_tokens: Sequence[bytes], api_keys: Sequence[bytes]) -> set[bytes]:
        """Return those hashes that still open something (1 statement)."""
        rows = await self._reader.fetch(
            """SELECT token_hash AS hash FROM order_access_tokens
                WHERE token_hash = ANY($1::bytea[]) AND expires_at > clock_timestamp() AND revoked_at IS NULL
               UNION ALL
               SELECT key_hash FROM api_keys
                WHERE key_hash = ANY($2::bytea[]) AND (expires_at IS NULL OR expires_at > clock_timestamp())
                  AND revoked_at IS NULL""",
            list(order_tokens),
            list(api_keys),
        )
        return {row["hash"] for row in rows}


async def insert_api_key(
    database: Database,
    key_id: UUID,
    key_hash: bytes,
    *,
    name: str,
    scopes: Sequence[str],
    ttl: timedelta | None,
) -> None:
    """Write a service's key."""
    await database.fetch(
        """INSERT INTO api_keys (id, key_hash, name, scopes, created_at, expires_at)
           VALUES ($1, $2, $3, $4, clock_timestamp(), clock_timestamp() + $5)""",
        key_id,
        key_hash,
        name,
        list(scopes),
        ttl,
    )


async def api_keys(reader: Reader, limit: int) -> list[ApiKey]:
    """Return services' keys, newest first."""
    rows = await reader.fetch(
        f"SELECT {_API_KEY} FROM api_keys ORDER BY created_at DESC, id LIMIT $1",
        limit,
    )
    return [_key(row) for row in rows]


async def revoke_api_key(database: Database, key_id: UUID) -> bool:
    """Revoke a key; return whether it was good until now."""
    row = await database.fetch_row(
        """UPDATE api_keys SET revoked_at = clock_timestamp() WHERE id = $1 AND revoked_at IS NULL RETURNING id""",
        key_id,
    )
    return row is not None


async def revoke_order_tokens(database: Database, order_id: UUID, token_hash: bytes | None) -> int:
    """Revoke one token of an order, or all of them; return how many were good until now."""
    rows = await database.fetch(
        """UPDATE order_access_tokens SET revoked_at = clock_timestamp()
            WHERE order_id = $1 AND ($2::bytea IS NULL OR token_hash = $2)
              AND revoked_at IS NULL AND expires_at > clock_timestamp()
        RETURNING id""",
        order_id,
        token_hash,
    )
    return len(rows)


def _key(row: object) -> ApiKey:
    values = dict(row)  # type: ignore[call-overload]  # a record is a mapping
    return ApiKey(**{**values, "scopes": tuple(values["scopes"])})
