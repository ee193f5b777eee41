"""A JWK Set that an issuer publishes: fetched when needed, kept while the issuer is away, at a bounded pace."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx2

from app.auth.caller import KeysUnavailableError
from app.auth.keys import JwtKeyError, KeyRing, import_keyset
from app.tasks import end_tasks
from app.tls import trusted

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.auth.keys import VerificationKey

log = logging.getLogger(__name__)

FETCH_SECONDS_MAX: Final = 5.0
ANSWER_BYTES_MAX: Final = 262_144
AGE_SECONDS_MAX: Final = 300.0
"""How old the keys get before they are fetched again: how long a withdrawn key is trusted, about."""
PACE_SECONDS: Final = 10.0
"""Between two fetches, however many tokens name keys that nobody knows."""
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def check_keyset_url(url: str) -> None:
    """Check that keys come over TLS, or from this machine.

    Raises:
        ValueError: the address is another.
    """
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if not parts.hostname or not (parts.scheme == "https" or local) or parts.username is not None:
        raise ValueError("The JWK Set's URL must be https, or http on this machine, without a user name.")


class KeySetUrl:
    """The keys at a URL. All who wait for them share one fetch; while it can't be had, the last ones hold."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds.

        Raises:
            ValueError: the URL leads over an open network.
        """
        check_keyset_url(url)
        self._url = url
        self._clock = clock
        self._ring = KeyRing()
        self._fetched_at = -AGE_SECONDS_MAX
        self._tried_at = -PACE_SECONDS
        self._fetching: asyncio.Task[None] | None = None
        # Its address is what the settings say, whatever proxy the environment names.
        self._http = httpx2.AsyncClient(
            timeout=FETCH_SECONDS_MAX, follow_redirects=False, trust_env=False, verify=trusted()
        )

    async def find(self, kid: str | None, algorithm: str) -> VerificationKey | None:
        """Return the key that fits; an id that is not known is asked for, as often as the pace allows.

        Raises:
            KeysUnavailableError: no keys came yet.
        """
        now = self._clock()
        if self._ring and now - self._fetched_at >= AGE_SECONDS_MAX:
            self._fetch_soon(now)  # nobody waits for it
        found = self._ring.find(kid, algorithm)
        if found is None:
            fetching = self._fetch_soon(now)
            if fetching is not None:
                # One who gives up waiting must not take the keys from the others.
                await asyncio.shield(fetching)
            if not self._ring:
                raise KeysUnavailableError
            found = self._ring.find(kid, algorithm)
        return found

    def holds(self, thumbprint: str) -> bool:
        """Whether a key is still published, as far as is known; looks anew when that was long ago."""
        now = self._clock()
        if now - self._fetched_at >= AGE_SECONDS_MAX:
            self._fetch_soon(now)
        return thumbprint in self._ring.thumbprints

    async def aclose(self) -> None:
        """Stop fetching."""
        if self._fetching is not None:
            await end_tasks(self._fetching)
        await self._http.aclose()

    def _fetch_soon(self, now: float) -> asyncio.Task[None] | None:
        """Return the fetch that runs, or one that begins now; None when the last was only just."""
        if self._fetching is None:
            if now - self._tried_at < PACE_SECONDS:
                return None
            self._tried_at = now
            self._fetching = asyncio.create_task(self._fetch(), name="jwks")
            self._fetching.add_done_callback(self._ended)
        return self._fetching

    def _ended(self, _: asyncio.Task[None]) -> None:
        self._fetching = None

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(FETCH_SECONDS_MAX):
                keys = import_keyset(await self._read(), shared_secrets=False)
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, JwtKeyError) as error:
            log.warning("auth.keys_not_fetched", extra={"reason": str(error) or type(error).__name__})
            return
        if not keys:
            log.warning("auth.keys_not_fetched", extra={"reason": "The JWK Set holds no key for signatures."})
            return
        self._ring = KeyRing(keys)
        self._fetched_at = self._clock()

    async def _read(self) -> bytes:
        body = bytearray()
        async with self._http.stream("GET", self._url, headers={"accept": "application/json"}) as response:
            if response.status_code != httpx2.codes.OK:
                raise JwtKeyError(f"The JWK Set's URL answered {response.status_code}.")
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > ANSWER_BYTES_MAX:
                    raise JwtKeyError(f"The JWK Set is longer than {ANSWER_BYTES_MAX} bytes.")
        return bytes(body)
