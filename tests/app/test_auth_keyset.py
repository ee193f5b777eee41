"""An issuer's key set over real HTTP: fetched together, at a bounded pace, and kept while the issuer is away."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from joserfc.jwk import ECKey

from app.auth import KeySetUrl, KeysUnavailableError, check_keyset_url

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.auth.keys import VerificationKey

OLD = ECKey.generate_key("P-256", {"kid": "old"})
NEW = ECKey.generate_key("P-256", {"kid": "new"})


def keyset(*keys: ECKey) -> bytes:
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]}).encode()


class Issuer:
    """A server that counts what it is asked."""

    def __init__(self) -> None:
        self.body = keyset(OLD)
        self.status = 200
        self.asked = 0
        self.wait_seconds = 0.0
        self.now = 0.0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request, and close."""
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        await asyncio.sleep(self.wait_seconds)
        writer.write(
            f"HTTP/1.1 {self.status} X\r\nlocation: /other\r\nconnection: close\r\n"
            f"content-length: {len(self.body)}\r\n\r\n".encode()
            + self.body
        )
        await writer.drain()
        writer.close()


@asynccontextmanager
async def asking(issuer: Issuer) -> AsyncIterator[KeySetUrl]:
    server = await asyncio.start_server(issuer.answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    keys = KeySetUrl(f"http://127.0.0.1:{port}/jwks", clock=lambda: issuer.now)
    try:
        yield keys
    finally:
        await keys.aclose()
        server.close()


def kid(found: VerificationKey | None) -> str | None:
    return found.kid if found else None


async def test_all_who_wait_share_one_fetch() -> None:
    issuer = Issuer()
    issuer.wait_seconds = 0.05
    async with asking(issuer) as keys:
        found = await asyncio.gather(*(keys.find("old", "ES256") for _ in range(50)))

    assert {kid(key) for key in found} == {"old"}
    assert issuer.asked == 1


async def test_an_unknown_id_is_asked_for_at_a_bounded_pace() -> None:
    issuer = Issuer()
    async with asking(issuer) as keys:
        await keys.find("old", "ES256")
        for number in range(30):
            assert await keys.find(f"made-up-{number}", "ES256") is None
        assert issuer.asked == 1
        issuer.body = keyset(OLD, NEW)
        issuer.now += 11

        assert kid(await keys.find("new", "ES256")) == "new"
        assert issuer.asked == 2


async def test_the_last_keys_hold_while_the_issuer_is_away() -> None:
    issuer = Issuer()
    async with asking(issuer) as keys:
        await keys.find("old", "ES256")
        issuer.status = 500
        issuer.now += 10_000

        assert kid(await keys.find("old", "ES256")) == "old"
        await asyncio.sleep(0.1)
        assert issuer.asked == 2
        assert kid(await keys.find("old", "ES256")) == "old"


async def test_a_withdrawn_key_is_trusted_no_longer_than_the_keys_are_old() -> None:
    issuer = Issuer()
    async with asking(issuer) as keys:
        found = await keys.find("old", "ES256")
        assert found is not None
        issuer.body = keyset(NEW)
        issuer.now += 301

        assert keys.holds(found.thumbprint)
        await asyncio.sleep(0.1)
        assert not keys.holds(found.thumbprint)
        assert await keys.find("old", "ES256") is None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b" " * 300_000),
        (200, b"{"),
        (200, b'{"keys": []}'),
        (200, json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0" * 8}]}).encode()),
        (200, json.dumps({"keys": [OLD.as_dict(private=False)] * 101}).encode()),
        (302, keyset(OLD)),
        (404, keyset(OLD)),
    ],
)
async def test_without_keys_nobody_can_say(status: int, body: bytes) -> None:
    issuer = Issuer()
    issuer.status, issuer.body = status, body
    async with asking(issuer) as keys:
        for _ in range(3):
            with pytest.raises(KeysUnavailableError):
                await keys.find("old", "ES256")

    assert issuer.asked == 1


async def test_one_who_gives_up_takes_the_keys_from_nobody() -> None:
    issuer = Issuer()
    issuer.wait_seconds = 0.1
    async with asking(issuer) as keys:
        hasty = asyncio.create_task(keys.find("old", "ES256"))
        patient = asyncio.create_task(keys.find("old", "ES256"))
        await asyncio.sleep(0.01)
        hasty.cancel()

        assert kid(await patient) == "old"


@pytest.mark.parametrize(
    "url",
    ["http://id.example/jwks", "ftp://id.example/", "https://", "https://me:pw@id.example/", "jwks", ""],
)
def test_keys_come_over_tls_or_from_this_machine(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        check_keyset_url(url)
    check_keyset_url("https://id.example/jwks")
    check_keyset_url("http://127.0.0.1:8080/jwks")
