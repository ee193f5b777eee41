"""Calls over HTTP to a gateway, each of them bounded, and what it means when there is no answer.

For the adapters that have no client of the gateway's own making. What an answer means is theirs to say; here a call
that was never sent is told from one that may have been worked on.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx2

from app.gateways.contract import GatewayError, GatewayErrorKind
from app.tls import trusted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

CONNECTIONS_MAX: Final = 50
ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024
KEEP_ALIVE_SECONDS: Final = 15.0
"""Shorter than what servers keep, so that a call does not meet a connection that is just being closed."""
RETRY_AFTER_SECONDS_MAX: Final = 3600.0
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_SECONDS: Final = re.compile(r"[0-9]{1,6}")


def check_base(gateway: str, api_base: str) -> None:
    """Check that a gateway's secrets are sent over TLS, or stay on this machine.

    Raises:
        ValueError: the address is another.
    """
    parts = urlsplit(api_base)
    if not parts.hostname or (parts.scheme != "https" and not is_local(api_base)):
        raise ValueError(f"The {gateway} API base must be https, or http on this machine.")


def is_local(api_base: str) -> bool:
    """Whether an address is a simulator on this machine."""
    parts = urlsplit(api_base)
    return parts.scheme == "http" and parts.hostname in _LOOPBACK


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer, whole. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether its status says so."""
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP's range of success

    @property
    def retry_after_seconds(self) -> float | None:
        """What it says to wait, where it says so in seconds."""
        said = self.headers.get("retry-after", "")
        return min(float(said), RETRY_AFTER_SECONDS_MAX) if _SECONDS.fullmatch(said) else None


class HttpCalls:
    """One pool of connections to a gateway. Every call ends, one way or the other, within `timeout_seconds`."""

    def __init__(
        self, gateway: str, base_url: str, timeout_seconds: float, headers: Mapping[str, str] | None = None
    ) -> None:
        """`gateway` is what messages call it; `headers` go with every call."""
        self._gateway = gateway
        self._timeout_seconds = timeout_seconds
        self._http = httpx2.AsyncClient(
            base_url=base_url,
            headers=dict(headers or {}),
            timeout=timeout_seconds,
            limits=httpx2.Limits(max_connections=CONNECTIONS_MAX, keepalive_expiry=KEEP_ALIVE_SECONDS),
            follow_redirects=False,
            # Its address is what the settings say, whatever proxy the environment names.
            trust_env=False,
            verify=trusted(),
        )

    async def exchange(self, method: str, path: str, **options: Any) -> HttpAnswer:  # noqa: ANN401 - httpx2's options
        """Make one call and return its answer, whatever its status is.

        Raises:
            GatewayError: UNAVAILABLE when it was never sent, UNKNOWN when it had no answer, or too long a one.
        """
        async with self._answered(), self._http.stream(method, path, **options) as response:
            body = await self._read_bounded(response)
        return HttpAnswer(response.status_code, response.headers, body)

    async def aclose(self) -> None:
        """Close connections."""
        await self._http.aclose()

    @asynccontextmanager
    async def _answered(self) -> AsyncIterator[None]:
        """Tell a call that was never sent from one that may have been worked on."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                yield
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise GatewayError(
                GatewayErrorKind.UNAVAILABLE,
                f"{self._gateway} could not be reached.",
                code=type(error).__name__,
            ) from error
        except (httpx2.HTTPError, TimeoutError) as error:
            raise GatewayError(
                GatewayErrorKind.UNKNOWN, f"{self._gateway} did not answer.", code=type(error).__name__
            ) from error

    async def _read_bounded(self, response: httpx2.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > ANSWER_BYTES_MAX:
                raise GatewayError(GatewayErrorKind.UNKNOWN, f"{self._gateway}'s answer is too long.")
        return bytes(body)
