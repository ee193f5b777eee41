"""What runs by a credential ends with it: by one timer and one check a credential, however many streams there are."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from app.auth import AuthenticationError, Authenticator, Credential, CredentialKind, hash_secret, new_api_key
from app.auth.vigil import Vigil
from app.identity import new_id
from app.main import Wiring
from app.settings import Mode, SettingsError, isolated_settings
from db.credentials import CredentialStore, insert_api_key, revoke_api_key
from tests.customers import token, verifier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.pool import Database


def a_credential(seconds: float | None) -> Credential:
    until = None if seconds is None else time.time() + seconds
    return Credential(kind=CredentialKind.API_KEY, hash=b"one", expires_at=until)


async def test_a_thousand_streams_of_one_credential_are_one_check_and_end_together() -> None:
    checks: list[int] = []
    good = {b"one"}
    ended: list[int] = []

    async def still_valid(credentials: Sequence[Credential]) -> set[bytes]:
        checks.append(len(credentials))
        return set(good)

    vigil = Vigil(still_valid, check_seconds=0.05)
    streams = [vigil.watching(a_credential(None), lambda n=n: ended.append(n)) for n in range(1000)]  # type: ignore[misc]  # a lambda's default
    for stream in streams:
        stream.__enter__()
    await asyncio.sleep(0.08)
    assert (checks, ended, vigil.watched) == ([1], [], 1)
    good.clear()
    await asyncio.sleep(0.06)

    assert (len(ended), vigil.watched) == (1000, 0)
    for stream in streams:
        stream.__exit__(None, None, None)


async def test_a_check_that_fails_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def still_valid(_: Sequence[Credential]) -> set[bytes]:
        raise OSError("the database is away")

    ended: list[bool] = []
    vigil = Vigil(still_valid, check_seconds=0.02)
    with vigil.watching(a_credential(None), lambda: ended.append(True)):
        async with asyncio.timeout(10):
            while "auth.not_checked" not in caplog.text:  # noqa: ASYNC110 - the log has no event
                await asyncio.sleep(0.02)

    assert ended == []
    assert vigil.watched == 0


async def test_what_begins_by_a_jwt_that_expired_a_moment_ago_ends_at_once(database: Database) -> None:
    asked = Authenticator(staff_keys=(), secret="s" * 32, store=CredentialStore(database), jwt=verifier())
    caller = await asked.identify_secret(token(exp=time.time() - 5))  # the issuer's clock may be behind

    with pytest.raises(AuthenticationError):
        async with asyncio.timeout(2), asked.while_valid(caller):
            await asyncio.sleep(5)

    assert asked.vigil.watched == 0


async def test_a_jwt_ends_a_block_when_it_expires(database: Database) -> None:
    asked = Authenticator(staff_keys=(), secret="s" * 32, store=CredentialStore(database), jwt=verifier())
    until = time.time() + 0.4
    caller = await asked.identify_secret(token(exp=until))

    with pytest.raises(AuthenticationError):
        async with asked.while_valid(caller):
            await asyncio.sleep(5)

    assert 0 <= time.time() - until < 0.5


async def test_a_time_out_of_the_blocks_own_is_not_mistaken(database: Database) -> None:
    asked = Authenticator(staff_keys=(), secret="s" * 32, store=CredentialStore(database), jwt=verifier())
    caller = await asked.identify_secret(token())

    with pytest.raises(TimeoutError):
        async with asked.while_valid(caller), asyncio.timeout(0.01):
            await asyncio.sleep(5)


async def test_a_revoked_key_opens_nothing_and_ends_what_runs(database: Database) -> None:
    asked = Authenticator(staff_keys=(), secret="s" * 32, store=CredentialStore(database))
    asked.vigil = Vigil(asked._still_valid, check_seconds=0.05)
    key, key_id = new_api_key(), new_id()
    await insert_api_key(
        database, key_id, hash_secret(key), name="erp", scopes=["suspense", "gone"], ttl=None
    )
    caller = await asked.identify(f"Bearer {key}")
    assert (caller.subject, set(caller.scopes)) == (f"service:{key_id}", {"suspense"})

    async def revoke() -> None:
        await asyncio.sleep(0.02)
        assert await revoke_api_key(database, key_id)

    revoking = asyncio.create_task(revoke())
    with pytest.raises(AuthenticationError):
        async with asked.while_valid(caller):
            await asyncio.sleep(5)
    await revoking
    with pytest.raises(AuthenticationError):
        await asked.identify(f"Bearer {key}")
    assert not await revoke_api_key(database, key_id)
    (row,) = await database.fetch("SELECT * FROM api_keys")
    assert key not in str(dict(row))


@pytest.mark.parametrize(
    "given",
    [
        {"jwt_jwks_url": "http://id.example/jwks"},
        {"jwt_jwks_url": "https://id.example/jwks", "jwt_key": "s" * 32},
        {"jwt_key": "s" * 32, "jwt_algorithms": "none"},
        {"jwt_key": "s" * 32, "jwt_algorithms": ""},
        {"jwt_key": "s" * 32, "mode": "production", "secret_key": "s" * 32, "jwt_issuer": "x"},
    ],
)
def test_settings_that_would_believe_too_much_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"JWT|JWK"):
        isolated_settings(**given)


def test_there_is_no_demo_identity_in_production() -> None:
    settings = isolated_settings(mode=Mode.PRODUCTION, secret_key="s" * 32)
    with pytest.raises(SettingsError, match="no demo"):
        Wiring(settings=settings, dsn="", secret_key="s" * 32, demo_key="d" * 32)
