"""The sandbox as a process of its own, to be killed."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.simulators.sandbox_world import DEADLINE_SECONDS, SECRET_KEY, WEBHOOK_SECRET

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Sequence

ROOT: Final = Path(__file__).parents[2]


@asynccontextmanager
async def sandbox_process(
    log: Path, *options: str, prefix: Sequence[str] = ()
) -> AsyncIterator[tuple[Process, str]]:
    """Start `python -m app.simulators.sandbox` and yield the process and its address; kill it at the end."""
    secrets = log.with_name("secrets")
    secrets.write_text(f"--secret-key={SECRET_KEY}\n--webhook-secret={WEBHOOK_SECRET}\n")
    process = await asyncio.create_subprocess_exec(
        *prefix,
        sys.executable,
        *("-m", "app.simulators.sandbox", f"@{secrets}", "--log", str(log), *options),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(DEADLINE_SECONDS):
            url = (await process.stdout.readline()).decode().strip()
        assert url.startswith("http://127.0.0.1:")
        yield process, url
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
