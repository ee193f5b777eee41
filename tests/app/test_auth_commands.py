"""`orderpulse token …`, as it is typed."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from app.auth import AuthenticationError, Authenticator
from app.domain.ids import IdPrefix, encode_id
from app.scopes import Scope
from app.settings import isolated_settings
from db.credentials import CredentialStore
from tests import customers
from tests.system.deliveries import open_payments

if TYPE_CHECKING:
    from pathlib import Path

    from db.pool import Database


def run(database: Database, folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command on the tests' database."""
    given = {"DATABASE_URL": database.dsn, "ORDERPULSE_DATA_DIR": str(folder), **more}
    command = [sys.executable, "-m", "app.cli", "token", *words]
    return subprocess.run(
        command, env={**os.environ, **given}, capture_output=True, text=True, check=False, timeout=60
    )


async def test_a_key_is_made_shown_once_listed_and_revoked(database: Database, tmp_path: Path) -> None:
    made = run(database, tmp_path, "create", "erp", "--scope", "refunds:write", "--scope", "orders:read")
    key = made.stdout.strip()
    asked = Authenticator(staff_keys=(), secret="s" * 32, store=CredentialStore(database))

    assert (await asked.identify_secret(key)).scopes == frozenset({Scope.REFUNDS, Scope.READ})
    listed = run(database, tmp_path, "list")
    assert "erp" in listed.stdout
    assert key not in listed.stdout
    revoked = run(database, tmp_path, "revoke", key)
    again = run(database, tmp_path, "revoke", key)
    assert (revoked.returncode, again.returncode) == (0, 1)


async def test_an_orders_token_opens_that_order_until_it_is_revoked(
    database: Database, tmp_path: Path
) -> None:
    mine, other = await open_payments(database, 2)
    made = run(database, tmp_path, "order", encode_id(IdPrefix.ORDER, mine.order.id), "--hours", "1")
    token = made.stdout.strip()
    asked = Authenticator(staff_keys=(), secret="s" * 32, store=CredentialStore(database))

    caller = await asked.identify_secret(token)
    assert caller.may_see(mine.order)
    assert not caller.may_see(other.order)
    revoked = run(database, tmp_path, "revoke", encode_id(IdPrefix.ORDER, mine.order.id))
    assert (revoked.returncode, revoked.stdout) == (0, "2 access tokens of the order are good no more.\n")
    with pytest.raises(AuthenticationError):
        await asked.identify_secret(token)


async def test_what_is_no_scope_is_refused(database: Database, tmp_path: Path) -> None:
    refused = run(database, tmp_path, "create", "erp", "--scope", "everything")

    assert refused.returncode == 1
    assert "Scopes are: staff" in refused.stderr
    assert await database.fetch("SELECT 1 FROM api_keys") == []


async def test_a_jwt_to_try_things_out_is_believed_and_not_made_in_production(
    database: Database, tmp_path: Path
) -> None:
    secret = "a-shared-secret-of-the-tests-0123456789abcdef"
    given = {"ORDERPULSE_JWT_KEY": secret, "ORDERPULSE_JWT_ALGORITHMS": "HS256"}
    made = run(database, tmp_path, "jwt", "bob", "--scope", "orders:read", **given)
    strict = {**given, "ORDERPULSE_JWT_ISSUER": "i", "ORDERPULSE_JWT_AUDIENCE": "a"}
    mode = {"ORDERPULSE_MODE": "production", "ORDERPULSE_SECRET_KEY": "s" * 32}
    refused = run(database, tmp_path, "jwt", "bob", **strict, **mode)

    settings = isolated_settings(jwt_key=secret, jwt_algorithms=("HS256",))
    caller = await customers.by(settings.jwt_rules(), secret).verify(made.stdout.strip(), b"")
    assert (caller.customer_id, caller.scopes) == ("bob", frozenset({Scope.READ}))
    assert (refused.returncode, refused.stdout) == (1, "")
