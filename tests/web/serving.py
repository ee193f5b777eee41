"""Running an application on a free port, and a browser's visit that keeps a list of what went wrong."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import uvicorn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from playwright.async_api import Browser, Page
    from starlette.applications import Starlette

DEADLINE_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.01
_NOTE_VIOLATIONS: Final = """
    addEventListener('securitypolicyviolation', (event) =>
        console.error(`POLICY ${event.violatedDirective} ${event.blockedURI}`));
"""


@asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[str]:
    """Serve `app` on 127.0.0.1 and yield its address."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_level="critical", lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await running


async def eventually(holds: Callable[[], bool]) -> None:
    """Wait until `holds()`; fail after the deadline."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not holds():  # noqa: ASYNC110 - the state belongs to others, who raise no event
            await asyncio.sleep(_POLL_SECONDS)


@dataclass
class Visit:
    """One open page. `problems` stays empty on a healthy one."""

    page: Page
    problems: list[str] = field(default_factory=list)

    @classmethod
    async def open(cls, browser: Browser, base_url: str, path: str, **context_options: object) -> Visit:
        """Open `path` in a fresh context: no cookies, no storage."""
        context = await browser.new_context(locale="en-IN", timezone_id="Asia/Kolkata", **context_options)  # type: ignore[arg-type] # Playwright's own options
        page = await context.new_page()
        page.set_default_timeout(DEADLINE_SECONDS * 1000)
        await page.add_init_script(_NOTE_VIOLATIONS)
        visit = cls(page)
        host = base_url.partition("://")[2]
        visit._listen(host)
        await page.goto(base_url + path)
        return visit

    def _listen(self, host: str) -> None:
        own = (f"http://{host}/", "data:", f"blob:http://{host}/")
        self.page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        self.page.on("console", lambda message: self._note_console(message.type, message.text))
        self.page.on("request", lambda request: self._note_address(request.url, own))
        self.page.on("websocket", lambda socket: self._note_address(socket.url, (f"ws://{host}/",)))

    def _note_console(self, kind: str, text: str) -> None:
        if kind == "error" and ("POLICY" in text or "Content Security Policy" in text):
            self.problems.append(f"policy: {text}")

    def _note_address(self, url: str, own: tuple[str, ...]) -> None:
        if not url.startswith(own):
            self.problems.append(f"outside: {url}")
