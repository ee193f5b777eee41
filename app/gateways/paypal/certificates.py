"""The certificates that webhooks name: fetched from PayPal alone, bounded, kept, and checked at every use.

The address comes from whoever sends a webhook, so it is held against a list before anything is fetched.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx2

from app.gateways.contract import GatewayError, GatewayErrorKind, SignatureError
from app.gateways.paypal.trust import check_chain, given_roots, read_chain, system_roots
from app.tasks import end_tasks
from app.tls import trusted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from app.gateways.paypal.options import PayPalSettings

_ORIGINS: Final = frozenset(
    f"https://{host}"
    for host in ("api.paypal.com", "api-m.paypal.com", "api.sandbox.paypal.com", "api-m.sandbox.paypal.com")
)
_PATH: Final = re.compile(r"/v1/notifications/certs/[A-Za-z0-9_-]{1,100}")
"""Source: developer.paypal.com/api/rest/webhooks/rest and the deliveries it shows, read in November 2026."""
_BYTES_MAX: Final = 64 * 1024
_TIMEOUT_SECONDS: Final = 5.0
_KEPT_MAX: Final = 16
_FAILED_MAX: Final = 256
_FAILED_SECONDS: Final = 30.0
_FETCHES_MAX: Final = 4
_WAITING_MAX: Final = 64


class Certificates:
    """What was fetched, by address. Whether it can be trusted is asked for every delivery, for time passes."""

    def __init__(self, settings: PayPalSettings, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds."""
        self._origins = _ORIGINS | ({settings.api_base} if settings.is_local else set())
        pem = settings.trust_roots_pem
        self._given = given_roots(pem) if pem is not None else None
        self._clock = clock
        self._kept: OrderedDict[str, tuple[x509.Certificate, ...]] = OrderedDict()
        self._failed: OrderedDict[str, tuple[float, SignatureError | GatewayError]] = OrderedDict()
        self._fetching: dict[str, asyncio.Task[tuple[x509.Certificate, ...]]] = {}
        self._slots = asyncio.Semaphore(_FETCHES_MAX)
        self._http = httpx2.AsyncClient(
            timeout=_TIMEOUT_SECONDS, follow_redirects=False, trust_env=False, verify=trusted()
        )

    async def key(self, url: str, now: datetime) -> RSAPublicKey:
        """Return the key of the certificate at `url`, once it proves to be PayPal's.

        Raises:
            SignatureError: untrusted_address, bad_certificate or untrusted_certificate.
            GatewayError: UNAVAILABLE when it can't be fetched now.
        """
        self.check_address(url)
        chain = self._kept.get(url)
        if chain is None:
            chain = await self._fetched(url)
        else:
            self._kept.move_to_end(url)
        return check_chain(chain, self._given or system_roots(), now)

    async def aclose(self) -> None:
        """Close connections, and give up what is being fetched."""
        await end_tasks(*self._fetching.values())
        await self._http.aclose()

    def check_address(self, url: str) -> None:
        """Check that an address is one of PayPal's certificates.

        Raises:
            SignatureError: untrusted_address.
        """
        try:
            parts = urlsplit(url)
        except ValueError:
            raise SignatureError("untrusted_address") from None
        origin = f"{parts.scheme}://{parts.netloc}"
        # Put together again it must be what was sent: no query, no fragment, nothing that was cleaned away.
        if origin not in self._origins or not _PATH.fullmatch(parts.path) or origin + parts.path != url:
            raise SignatureError("untrusted_address")

    async def _fetched(self, url: str) -> tuple[x509.Certificate, ...]:
        until, failure = self._failed.get(url, (0.0, None))
        if failure is not None and self._clock() < until:
            raise failure.with_traceback(None)
        task = self._fetching.get(url)
        if task is None:
            if len(self._fetching) >= _WAITING_MAX:
                raise _unavailable("too many certificates are being fetched", "too_many_certificates")
            task = asyncio.create_task(self._fetch(url))
            self._fetching[url] = task
            task.add_done_callback(lambda done: self._ended(url, done))
        # One who gives up waiting must not take the certificate from the others.
        return await asyncio.shield(task)

    def _ended(self, url: str, done: asyncio.Task[tuple[x509.Certificate, ...]]) -> None:
        self._fetching.pop(url, None)
        if not done.cancelled():
            done.exception()  # seen, also when nobody waits any more

    async def _fetch(self, url: str) -> tuple[x509.Certificate, ...]:
        try:
            async with self._slots:
                chain = read_chain(await self._download(url))
        except (SignatureError, GatewayError) as failure:
            self._failed[url] = (self._clock() + _FAILED_SECONDS, failure)
            if len(self._failed) > _FAILED_MAX:
                self._failed.popitem(last=False)
            raise
        self._failed.pop(url, None)
        self._kept[url] = chain
        if len(self._kept) > _KEPT_MAX:
            self._kept.popitem(last=False)
        return chain

    async def _download(self, url: str) -> bytes:
        body = bytearray()
        async with _answering(), self._http.stream("GET", url) as answer:
            if answer.status_code >= 500 or answer.status_code == 429:  # noqa: PLR2004 - HTTP's words for later
                raise _unavailable(f"answered {answer.status_code}", f"http_{answer.status_code}")
            if answer.status_code != 200:  # noqa: PLR2004 - a redirect is no certificate either
                raise SignatureError("bad_certificate")
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > _BYTES_MAX:
                    raise SignatureError("bad_certificate")
        return bytes(body)


@asynccontextmanager
async def _answering() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            yield
    except (httpx2.HTTPError, TimeoutError) as error:
        raise _unavailable("no answer", type(error).__name__) from error


def _unavailable(why: str, code: str) -> GatewayError:
    return GatewayError(
        GatewayErrorKind.UNAVAILABLE, f"PayPal's certificate can't be fetched now: {why}.", code=code
    )
