"""The wire under the SDK: the HTTP client that the other gateways use too, with a limit on the whole exchange.

The SDK's own client for httpx sends bodies in a way that httpx has deprecated, and does not say whether a request
that failed had left this machine. That matters here: what was not sent did not happen.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import httpx2
import stripe

from app.tls import trusted

if TYPE_CHECKING:
    from collections.abc import Mapping

ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024
"""A page of 100 events stays far below."""


class NoAnswerError(stripe.APIConnectionError):
    """No answer, or a broken one; the request may have been carried out."""

    def __init__(self, what: str, cause: Exception, code: str = "no_answer") -> None:
        super().__init__(f"{what} ({type(cause).__name__}).", code=code)  # type: ignore[no-untyped-call]  # the SDK's is untyped


class NotSentError(NoAnswerError):
    """No connection came about, so Stripe has not seen the request."""


class Transport(stripe.HTTPClient):
    """One pool of connections. Each exchange ends, one way or the other, within `timeout_seconds`."""

    name = "httpx2"

    def __init__(self, *, timeout_seconds: float, connect_timeout_seconds: float) -> None:
        super().__init__()
        self._timeout_seconds = timeout_seconds
        timeout = httpx2.Timeout(timeout_seconds, connect=connect_timeout_seconds)
        # Its address is what the settings say, whatever proxy the environment names.
        self._client = httpx2.AsyncClient(timeout=timeout, trust_env=False, verify=trusted())

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: str | None = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Exchange one request for the answer's body, status and headers.

        Raises:
            NotSentError: no connection came about.
            NoAnswerError: no answer, or a broken one; the request may have been carried out.
        """
        try:
            async with (
                asyncio.timeout(self._timeout_seconds),
                self._client.stream(method, url, headers=dict(headers), content=post_data) as answer,
            ):
                body = await _read_bounded(answer)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise NotSentError("Stripe could not be reached", error, "not_sent") from error
        except (httpx2.HTTPError, TimeoutError) as error:
            raise NoAnswerError("Stripe did not answer", error) from error
        return body, answer.status_code, answer.headers

    async def close_async(self) -> None:
        """Close the pool."""
        await self._client.aclose()


async def _read_bounded(answer: httpx2.Response) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            raise httpx2.DecodingError("The answer is too long.", request=answer.request)
    return bytes(body)
