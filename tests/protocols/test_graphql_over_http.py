"""GraphQL over HTTP at a running server, by the audits of its reference implementation."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.official_clients import PACKAGES, node_with

if TYPE_CHECKING:
    from tests.system.processes import Server

SCRIPT: Final = Path(__file__).with_name("audit.mjs")
AUDITS: Final = 61
DEADLINE_SECONDS: Final = 60.0


async def test_every_audit_of_the_reference_implementation_passes(server: Server) -> None:
    node = node_with("graphql-http")
    settings = {"packages": str(PACKAGES), "url": f"http://127.0.0.1:{server.port}/graphql"}
    process = await asyncio.create_subprocess_exec(
        *(node, SCRIPT, json.dumps(settings)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )

    async with asyncio.timeout(DEADLINE_SECONDS):
        told, complaints = await process.communicate()

    assert (process.returncode, complaints) == (0, b"")
    audits = [json.loads(line) for line in told.splitlines()]
    assert [audit for audit in audits if audit["status"] != "ok"] == []
    assert len(audits) == AUDITS
