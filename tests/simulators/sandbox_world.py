"""A running sandbox, a merchant that its webhooks go to, and ways to wait for what they do."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ssl
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

import httpx2
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from app.simulators.sandbox import SandboxConfig, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from starlette.requests import Request

DEADLINE_SECONDS: Final = 15.0
POLL_SECONDS: Final = 0.01
SECRET_KEY: Final = "sbx_sk_made_up"
WEBHOOK_SECRET: Final = "sbx_whsec_made_up"
TLS: Final = ssl.create_default_context()
"""Never used on loopback; made once, because each client would take a tenth of a second to make its own."""

RETURN_URL: Final = "http://127.0.0.1:9/orders/7?token=abc"


_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Received:
    """One webhook as it came."""

    body: bytes
    headers: dict[str, str]

    @property
    def event(self) -> dict[str, Any]:
        """Return the body, parsed."""
        event: dict[str, Any] = orjson.loads(self.body)
        return event


@dataclass(slots=True)
class Merchant:
    """A server that keeps what it receives, and answers with `statuses` first, 200 afterwards."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    answer_seconds: float = 0.0
    at_once: int = 0
    most_at_once: int = 0

    async def receive(self, request: Request) -> Response:
        """Answer POST /hook."""
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            self.received.append(Received(await request.body(), dict(request.headers)))
            await asyncio.sleep(self.answer_seconds)
            return Response(status_code=self.statuses.pop(0) if self.statuses else 200)
        finally:
            self.at_once -= 1

    def types(self) -> list[str]:
        """Return the events' types in the order of arrival."""
        return [received.event["type"] for received in self.received]

    async def expect(self, *types: str) -> None:
        """Wait until webhooks of these types came, each at least as often as named."""
        wanted = sorted(types)
        await eventually(lambda: all(self.types().count(kind) >= wanted.count(kind) for kind in wanted))


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox and an authorised client of it."""

    url: str
    api: httpx2.AsyncClient

    async def create(self, **more: object) -> dict[str, Any]:
        """Open a payment."""
        body = {"amount": 49900, "currency": "INR", "return_url": RETURN_URL, **more}
        return await self.post("/v1/payments", body)

    async def pay(self, payment: dict[str, Any], card: str = "4242424242424242") -> httpx2.Response:
        """Try a card on a payment."""
        return await self.api.post(f"/v1/payments/{payment['id']}/_pay", json={"card": card})

    async def paid(self, card: str = "4242424242424242", **more: object) -> dict[str, Any]:
        """Open a payment and pay it."""
        answer = await self.pay(await self.create(**more), card)
        assert answer.status_code == 200, answer.text
        payment: dict[str, Any] = answer.json()
        return payment

    async def post(self, path: str, body: dict[str, Any] | None = None, key: str = "") -> dict[str, Any]:
        """Call the API and expect success."""
        answer = await self.api.post(path, json=body or {}, headers={"Idempotency-Key": key} if key else {})
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()
        return result

    async def get(self, path: str, **params: str) -> dict[str, Any]:
        """Ask the API and expect success."""
        answer = await self.api.get(path, params=params)
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()
        return result

    async def payment(self, payment: dict[str, Any]) -> dict[str, Any]:
        """Return a payment as it is now."""
        return await self.get(f"/v1/payments/{payment['id']}")

    async def truth(self) -> dict[str, Any]:
        """Return everything that the sandbox believes."""
        return await self.get("/v1/_truth")

    async def chaos(self, **settings: object) -> None:
        """Ask for misbehaviour."""
        answer = await self.api.put("/v1/_chaos", json=settings)
        assert answer.status_code == 200, answer.text


@asynccontextmanager
async def merchant_serving() -> AsyncIterator[Merchant]:
    """Run a merchant on a free port."""
    merchant = Merchant()
    app = Starlette(routes=[Route("/hook", merchant.receive, methods=["POST"])])
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_level="critical", lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    merchant.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/hook"
    try:
        yield merchant
    finally:
        server.should_exit = True
        await running


@asynccontextmanager
async def sandbox_serving(
    webhook_url: str | None = None,
    log_path: Path | None = None,
    afterwards_seconds: float = 0.05,
) -> AsyncIterator[Sandbox]:
    """Run a sandbox on a free port."""
    config = SandboxConfig(
        secret_key=SECRET_KEY,
        webhook_secret=WEBHOOK_SECRET,
        webhook_url=webhook_url,
        log_path=log_path,
        merchant="Tea & <Spice>",
        afterwards_seconds=afterwards_seconds,
    )
    async with serving(config) as url, calling(url) as sandbox:
        yield sandbox


@asynccontextmanager
async def calling(url: str) -> AsyncIterator[Sandbox]:
    """Call a sandbox that runs already."""
    headers = {"Authorization": f"Bearer {SECRET_KEY}"}
    async with httpx2.AsyncClient(
        base_url=url, headers=headers, timeout=DEADLINE_SECONDS, trust_env=False, verify=TLS
    ) as api:
        yield Sandbox(url, api)


async def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds, or fail."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "It did not come to hold in time."
        await asyncio.sleep(POLL_SECONDS)


async def until(ask: Callable[[], Awaitable[_Answer]], holds: Callable[[_Answer], bool]) -> _Answer:
    """Ask until the answer is as wanted and return it, or fail."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        answer = await ask()
        while not holds(answer):
            await asyncio.sleep(POLL_SECONDS)
            answer = await ask()
    return answer


def signed_header(body: bytes, timestamp: int, secret: str = WEBHOOK_SECRET) -> str:
    """Sign a body as the sandbox documents it, independently of its code."""
    digest = hmac.new(secret.encode(), str(timestamp).encode() + b"." + body, hashlib.sha256)
    return f"t={timestamp},v1={digest.hexdigest()}"
