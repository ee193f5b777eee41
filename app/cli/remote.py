"""The client of the commands that talk to a running server: GraphQL over HTTP, and streams over a websocket."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import websockets
from websockets.typing import Subprotocol

from app.cli.keys import kept_keys
from app.cli.output import CommandError
from app.cli.running import running_in
from app.domain.errors import ErrorCode
from app.error_catalog import CloseCode, ExitCode, RequestCode

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from app.settings import Settings

TIMEOUT_SECONDS: Final = 30.0
AGAIN_SECONDS: Final = (0.2, 0.5, 1.0, 2.0, 0.0)
"""How long to wait after each try of a mutation that a gateway does not answer."""
RECONNECT_SECONDS_MAX: Final = 15.0
FRAME_BYTES_MAX: Final = 4 * 1024 * 1024
_PROTOCOL: Final = Subprotocol("graphql-transport-ws")
_LOCAL: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_START_ONE: Final = "Start one by `orderpulse demo`, or name it: --url or ORDERPULSE_URL."
_NAME_A_KEY: Final = (
    "Name a staff key or API key: --key or ORDERPULSE_KEY (`orderpulse token create` makes one)."
)
_EXITS: Final = {
    RequestCode.UNAUTHENTICATED: ExitCode.NO_ACCESS,
    ErrorCode.FORBIDDEN: ExitCode.NO_ACCESS,
    ErrorCode.NOT_FOUND: ExitCode.NOT_FOUND,
    RequestCode.UNAVAILABLE: ExitCode.UNREACHABLE,
}
_FOR_NOW: Final = frozenset({ErrorCode.GATEWAY_UNAVAILABLE, ErrorCode.IDEMPOTENCY_CONCURRENT_REQUEST})
_FOR_GOOD: Final = frozenset(
    {CloseCode.FORBIDDEN, CloseCode.BAD_MESSAGE, CloseCode.SUBPROTOCOL_NOT_ACCEPTABLE}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the server is, and what opens it."""

    url: str
    key: str | None = field(default=None, repr=False)

    @property
    def is_near(self) -> bool:
        """Whether its address is of this machine, so that no proxy leads there, whatever the environment says."""
        return urlsplit(self.url).hostname in _LOCAL


def place_of(settings: Settings, url: str | None, key: str | None) -> Place:
    """Return the server that is meant: the one that is named, or the one of this machine.

    The keys that this machine made for itself are sent to no other.
    """
    running = running_in(settings.data_dir)
    named = url or settings.url
    local = f"http://{settings.host}:{settings.port}"
    found = (named or (running.url if running else None) or settings.public_url or local).rstrip("/")
    if not found.startswith(("http://", "https://")):
        raise CommandError(f"{found!r} is no address of a server.", ExitCode.USAGE, "Begin it with https://.")
    given = key or (settings.key.get_secret_value() if settings.key else None)
    place = Place(url=found, key=given)
    if given is None and (named is None or place.is_near):
        kept = kept_keys(settings.data_dir)
        own = settings.staff_keys[0].get_secret_value() if settings.staff_keys else None
        return replace(place, key=own or (kept.staff_key if kept else None))
    return place


class LostError(Exception):
    """The websocket ended, and may be opened again."""


@dataclass
class Remote:
    """A running server. Every method raises CommandError where the server can't or won't."""

    place: Place
    _http: httpx2.AsyncClient = field(init=False, repr=False)

    async def __aenter__(self) -> Self:
        headers = {"authorization": f"Bearer {self.place.key}"} if self.place.key else {}
        self._http = httpx2.AsyncClient(
            base_url=self.place.url,
            headers=headers,
            timeout=TIMEOUT_SECONDS,
            trust_env=not self.place.is_near,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def ask(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Run an operation and return its data."""
        try:
            answer = await self._http.post("/graphql", json={"query": query, "variables": variables or {}})
            shown = answer.json()
        except httpx2.HTTPError as error:
            raise CommandError(
                f"Nothing answers at {self.place.url}: {_said(error)}.",
                ExitCode.UNREACHABLE,
                _START_ONE,
            ) from None
        except ValueError:
            shown = None
        if not isinstance(shown, dict) or not ({"data", "errors"} & shown.keys()):
            raise CommandError(
                f"What answers at {self.place.url} is no Orderpulse server (status {answer.status_code}).",
                ExitCode.UNREACHABLE,
                _START_ONE,
            )
        if shown.get("errors"):
            raise refusal(shown["errors"][0])
        data: dict[str, Any] = shown["data"]
        return data

    async def mutate(
        self, name: str, input_type: str, wanted: str, given: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Call a mutation under a fresh idempotency key and return its payload.

        A gateway that is away for a moment is asked again, under the same key: nothing is done twice.
        """
        query = f"mutation ($input: {input_type}!) {{ {name}(input: $input) {{ {wanted} errors {{ code message }} }} }}"
        variables = {"input": {**given, "idempotencyKey": str(uuid4())}}
        for wait_seconds in AGAIN_SECONDS:
            payload: dict[str, Any] = (await self.ask(query, variables))[name]
            if not payload["errors"]:
                return payload
            error = refused(payload["errors"][0])
            if payload["errors"][0]["code"] not in _FOR_NOW:
                break
            await asyncio.sleep(wait_seconds)
        raise error

    async def follow(
        self,
        subscription: str,
        variables: Mapping[str, Any],
        cursor_of: Callable[[dict[str, Any]], str],
        lost: Callable[[str, float], None],
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Yield what a subscription says, for ever: after a lost connection it goes on behind the last cursor.

        `lost` is told why the connection went, and after how many seconds it is tried again.
        """
        given, wait_seconds = dict(variables), 0.5
        while True:
            try:
                async with aclosing(self._stream(subscription, given)) as items:
                    async for item in items:
                        given["after"] = cursor_of(item)
                        wait_seconds = 0.5
                        yield item
            except LostError as error:
                lost(str(error), wait_seconds)
            await asyncio.sleep(wait_seconds)
            wait_seconds = min(wait_seconds * 2, RECONNECT_SECONDS_MAX)

    async def _stream(
        self, subscription: str, variables: Mapping[str, Any]
    ) -> AsyncGenerator[dict[str, Any], None]:
        address = self.place.url.replace("http", "ws", 1) + "/graphql"
        credentials = {"authorization": f"Bearer {self.place.key}"} if self.place.key else {}
        begin = {"query": subscription, "variables": variables}
        try:
            async with websockets.connect(
                address,
                subprotocols=[_PROTOCOL],
                max_size=FRAME_BYTES_MAX,
                open_timeout=TIMEOUT_SECONDS,
                proxy=None if self.place.is_near else True,
            ) as socket:
                await socket.send(json.dumps({"type": "connection_init", "payload": credentials}))
                async for frame in socket:
                    message = json.loads(frame)
                    match message["type"]:
                        case "connection_ack":
                            await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": begin}))
                        case "next":
                            yield _data_of(message["payload"])
                        case "ping":
                            await socket.send(json.dumps({"type": "pong"}))
                        case "error":
                            raise refusal(message["payload"][0])
                        case "complete":
                            raise LostError("the server ended the stream")
                code = socket.close_code
        except websockets.ConnectionClosed as error:
            code = error.rcvd.code if error.rcvd else None
        except (OSError, websockets.InvalidHandshake, TimeoutError) as error:
            raise LostError(f"{self.place.url} does not answer ({_said(error)})") from None
        if code in _FOR_GOOD:
            raise CommandError(
                f"The server closed the connection: {code}.", ExitCode.NO_ACCESS, f"orderpulse explain {code}"
            )
        raise LostError(f"the connection was closed ({code or 'no reason'})")


def refusal(error: Mapping[str, Any]) -> CommandError:
    """Return how a GraphQL error ends a command."""
    extensions = error.get("extensions") or {}
    return refused(
        {"code": extensions.get("code", "?"), "message": error["message"]}, extensions.get("requestId")
    )


def refused(error: Mapping[str, Any], request_id: str | None = None) -> CommandError:
    """Return how a refusal of the domain ends a command."""
    code = error["code"]
    exit_code = _EXITS.get(code, ExitCode.REFUSED)
    to_do = _NAME_A_KEY if exit_code is ExitCode.NO_ACCESS else f"orderpulse explain {code}"
    where = f" (request {request_id})" if request_id else ""
    return CommandError(f"{code}: {error['message']}{where}", exit_code, to_do)


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


def _data_of(payload: Mapping[str, Any]) -> dict[str, Any]:
    if payload.get("errors"):
        raise refusal(payload["errors"][0])
    data: dict[str, Any] = payload["data"]
    return data
