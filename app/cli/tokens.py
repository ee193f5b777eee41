"""`orderpulse token …`: keys for services, access tokens of orders, and JWTs to try things out with."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from joserfc import jwt
from joserfc.jwk import OctKey
from rich.console import Console

from app.auth import API_KEY_PREFIX, Authenticator, hash_secret, new_api_key
from app.cli.databases import migrate_if_ours, open_database
from app.cli.keys import secret_key_of
from app.cli.output import columns
from app.domain.ids import IdPrefix, decode_as
from app.identity import new_id
from app.scopes import Scope
from app.settings import Mode, SettingsError
from db import credentials
from db import orders as store
from db.credentials import CredentialStore
from db.orders import NewToken
from db.pool import Database
from db.reads import orders

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.auth.keys import VerificationKey
    from app.cli.output import Output
    from app.settings import Settings

SHOWN_MAX: Final = 500
_console: Final = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A service's key as it is asked for; without days it is good until it is revoked."""

    name: str
    scopes: tuple[Scope, ...]
    days: int | None


def scopes_of(names: Sequence[str]) -> tuple[Scope, ...]:
    """Read scopes, each once.

    Raises:
        SettingsError: there is no such scope.
    """
    try:
        return tuple(dict.fromkeys(Scope(name) for name in names))
    except ValueError:
        raise SettingsError(f"Scopes are: {', '.join(Scope)}.") from None


async def run_create(settings: Settings, given: NewKey) -> int:
    """Make a service's key and show it, once."""
    key, key_id = new_api_key(), new_id()
    async with open_database(settings) as opened:
        await migrate_if_ours(opened)
        async with Database(opened.dsn, size=1) as database:
            await credentials.insert_api_key(
                database,
                key_id,
                hash_secret(key),
                name=given.name,
                scopes=given.scopes,
                ttl=timedelta(days=given.days) if given.days is not None else None,
            )
    print(key)  # noqa: T201 - alone on stdout, for scripts
    Console(stderr=True).print(f"Its id is {key_id}. It is kept as a hash: nobody can show it again.")
    return 0


async def run_list(settings: Settings, output: Output) -> int:
    """Show services' keys, without the keys."""
    async with open_database(settings) as opened:
        await migrate_if_ours(opened)
        async with Database(opened.dsn, size=1) as database:
            found = await credentials.api_keys(database, SHOWN_MAX)
    content = [
        {
            "id": key.id,
            "name": key.name,
            "scopes": key.scopes,
            "createdAt": key.created_at,
            "expiresAt": datetime.fromtimestamp(key.expires_at, UTC) if key.expires_at else None,
            "revoked": key.revoked_at is not None,
        }
        for key in found
    ]
    rows = [
        (
            str(key.id),
            key.name,
            " ".join(key.scopes),
            f"{key.created_at:%Y-%m-%d %H:%M}",
            "revoked" if key.revoked_at else _until(key.expires_at),
        )
        for key in found
    ]
    table = columns(("id", "name", "scopes", "made", "good until"), rows) if rows else "There are no keys."
    output.document({"keys": content}, table)
    return 0


async def run_revoke(settings: Settings, what: str) -> int:
    """Revoke a service's key by its id or itself, or all access tokens of an order; 1 when nothing was good."""
    order_id, key_id = decode_as(IdPrefix.ORDER, what), _uuid(what)
    async with open_database(settings) as opened, Database(opened.dsn, size=1) as database:
        if order_id is not None:
            count = await credentials.revoke_order_tokens(database, order_id, None)
            _console.print(f"{count} access tokens of the order are good no more.")
            return 0 if count else 1
        if key_id is None and what.startswith(API_KEY_PREFIX):
            key = await CredentialStore(database).api_key(hash_secret(what))
            key_id = key.id if key else None
        revoked = key_id is not None and await credentials.revoke_api_key(database, key_id)
    _console.print("The key is good no more." if revoked else "There is no such key that was good until now.")
    return 0 if revoked else 1


async def run_order(settings: Settings, order: str, hours: int) -> int:
    """Make an access token of an order and show it."""
    order_id = decode_as(IdPrefix.ORDER, order)
    async with open_database(settings) as opened, Database(opened.dsn, size=1) as database:
        if order_id is None or not await orders(database, [order_id]):
            _console.print("There is no such order.")
            return 1
        secret = secret_key_of(settings)
        authenticator = Authenticator(staff_keys=(), secret=secret, store=CredentialStore(database))
        token_id = new_id()
        token = authenticator.order_token(token_id)
        new = NewToken(id=token_id, token_hash=hash_secret(token), ttl_seconds=hours * 3600)
        await store.insert_token(database, order_id, new)
    print(token)  # noqa: T201 - alone on stdout, for scripts
    return 0


async def run_jwt(settings: Settings, customer: str, scopes: Sequence[Scope], minutes: int) -> int:
    """Sign a JWT with the key of the settings, as the issuer would.

    Raises:
        SettingsError: it is production, or the key can't sign.
    """
    if settings.mode is Mode.PRODUCTION:
        raise SettingsError("In production the issuer alone signs tokens.")
    key = _signing_key(settings)
    fitting = [name for name in settings.jwt_algorithms if key.fits(name)]
    if not fitting:
        raise SettingsError("ORDERPULSE_JWT_ALGORITHMS names none that works with ORDERPULSE_JWT_KEY.")
    now = int(time.time())
    claims = {
        settings.jwt_customer_claim: customer,
        "iat": now,
        "exp": now + minutes * 60,
        **({"iss": settings.jwt_issuer} if settings.jwt_issuer else {}),
        **({"aud": settings.jwt_audience} if settings.jwt_audience else {}),
        **({settings.jwt_scope_claims[0]: " ".join(scopes)} if scopes and settings.jwt_scope_claims else {}),
    }
    header = {"alg": fitting[0], **({"kid": key.kid} if key.kid else {})}
    print(jwt.encode(header, claims, key.key, algorithms=[fitting[0]]))  # noqa: T201 - alone, for scripts
    return 0


def _signing_key(settings: Settings) -> VerificationKey:
    able = [key for key in settings.jwt_keys() if isinstance(key.key, OctKey) or key.key.is_private]
    if not able:
        raise SettingsError("Set ORDERPULSE_JWT_KEY_FILE to a private key, or to a shared secret.")
    return able[0]


def _until(expires_at: float | None) -> str:
    return (
        "it is revoked" if expires_at is None else f"{datetime.fromtimestamp(expires_at, UTC):%Y-%m-%d %H:%M}"
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
