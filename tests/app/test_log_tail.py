"""`orderpulse logs tail`: what is told apart, and that nothing is missed when the file is begun anew."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any, Final

import pytest

from app.cli.logs import Wanted, run_tail
from app.cli.output import CommandError, Format, Output
from app.error_catalog import ExitCode
from app.logs import file_handler
from app.settings import isolated_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEADLINE_SECONDS: Final = 10.0


@pytest.fixture
def log(tmp_path: Path) -> Iterator[logging.Logger]:
    """A logger that writes a file as a server does, of 2 kB at most."""
    handler = file_handler(tmp_path / "server.jsonl", "info", bytes_max=2_000)
    logger = logging.Logger("app.of_a_test")  # noqa: LOG001 - apart from all others
    logger.addHandler(handler)
    yield logger
    handler.close()


async def tailed(tmp_path: Path, capsys: pytest.CaptureFixture[str], **wanted: Any) -> list[str]:  # noqa: ANN401 - its fields
    settings = isolated_settings(data_dir=tmp_path, log_path=tmp_path / "server.jsonl")
    await run_tail(settings, Output(Format.JSON), Wanted(follow=False, **wanted))
    return [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]


async def test_lines_are_told_apart_by_level_event_and_request(
    log: logging.Logger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.debug("of.no_interest")
    log.info("webhook.settled", extra={"request": "r1"})
    log.warning("webhook.refused", extra={"request": "r2", "secret_key": "sk_live_canary"})
    log.error("graphql.failed", extra={"request": "r1"})

    assert await tailed(tmp_path, capsys) == ["webhook.settled", "webhook.refused", "graphql.failed"]
    assert await tailed(tmp_path, capsys, level="warning") == ["webhook.refused", "graphql.failed"]
    assert await tailed(tmp_path, capsys, event="webhook.*") == ["webhook.settled", "webhook.refused"]
    assert await tailed(tmp_path, capsys, request="r1") == ["webhook.settled", "graphql.failed"]
    assert await tailed(tmp_path, capsys, last=1) == ["graphql.failed"]
    text = (tmp_path / "server.jsonl").read_text()
    assert "canary" not in text
    assert (tmp_path / "server.jsonl").stat().st_mode & 0o777 == 0o600


async def test_following_misses_nothing_when_the_file_is_begun_anew(
    log: logging.Logger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.info("begun")
    settings = isolated_settings(data_dir=tmp_path, log_path=tmp_path / "server.jsonl")
    tail = asyncio.create_task(run_tail(settings, Output(Format.JSON), Wanted()))
    seen: list[int] = []

    async with asyncio.timeout(DEADLINE_SECONDS):
        for number in range(30):
            log.info("counted", extra={"number": number})
            while not seen or seen[-1] != number:
                lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
                seen += [line["number"] for line in lines if line["event"] == "counted"]
                await asyncio.sleep(0.001)
    tail.cancel()

    assert seen == list(range(30))
    assert (tmp_path / "server.jsonl.1").exists()
    assert not (tmp_path / "server.jsonl.3").exists()


async def test_without_a_log_it_is_said_who_writes_one(tmp_path: Path) -> None:
    settings = isolated_settings(data_dir=tmp_path)

    with pytest.raises(CommandError) as missing:
        await run_tail(settings, Output(), Wanted())

    assert missing.value.code == ExitCode.NOT_FOUND
    assert "--log-file" in missing.value.to_do
