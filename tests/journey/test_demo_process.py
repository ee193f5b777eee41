"""`orderpulse demo` as a program: what it prints, and that all it started is its own."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING

import httpx2
import pytest

from app.cli.demo_box import phone_url
from app.cli.running import LOG_NAME, NAME, running_in
from app.simulators import simulator_names
from tests.system.processes import run_command

if TYPE_CHECKING:
    from tests.journey.demo_process import Demo


def test_the_box_fits_a_terminal_and_holds_every_address_and_key(demo: Demo) -> None:
    doors = demo.doors
    last = next(place for place, line in enumerate(demo.output) if "Ctrl-C" in line)
    box = "\n".join(demo.output[: last + 1])

    assert [line for line in box.splitlines() if len(line) > 80] == []
    for shown in (
        f"Shop            {doors.url}/ ",
        f"Track an order  {doors.url}/track/oat_",
        f"GraphiQL        {doors.url}/graphiql ",
        f"Sandbox         {doors.sandbox_url} ",
        f"Staff key       {doors.staff_key} ",
        f"Webhook secret  {doors.webhook_secret} ",
        "On a phone      start it with --host 0.0.0.0",
        "Stop            Ctrl-C",
        "4242 4242 4242 4242  succeeds",
    ):
        assert shown in box


@pytest.mark.parametrize("name", ["Shop", "Track an order", "GraphiQL"])
async def test_what_the_box_names_opens(demo: Demo, name: str) -> None:
    (address,) = [found[1] for line in demo.output if (found := re.search(rf"│ {name} +(\S+) ", line))]

    async with httpx2.AsyncClient(trust_env=False) as client:
        response = await client.get(address, headers={"accept": "text/html"})

    assert response.status_code == 200


def test_what_it_started_can_be_told_from_everything_else(demo: Demo) -> None:
    processes = demo.processes()

    assert len([line for line in processes if " demo --no-open " in line]) == 1
    assert any("postgres" in line for line in processes)


async def test_the_commands_find_it_by_its_data_folder(demo: Demo) -> None:
    given = {"ORDERPULSE_DATA_DIR": str(demo.data_dir)}

    triggered, tailed, taken = await asyncio.gather(
        run_command("trigger", "payment.captured", "--gateway", "stripe", "--format", "json", **given),
        run_command("logs", "tail", "--no-follow", "--event", "server.ready", "--format", "json", **given),
        run_command("demo", "--no-open", "--port", str(demo.port), **given),
    )

    shown = json.loads(triggered.output)
    assert (triggered.code, shown["order"]["paymentStatus"]) == (0, "PAID"), triggered
    assert [json.loads(line)["event"] for line in tailed.output.splitlines()] == ["server.ready"], tailed
    assert (taken.code, f"Port {demo.port} is taken" in taken.errors) == (1, True), taken


def test_only_its_owner_reads_where_it_runs_and_what_it_logs(demo: Demo) -> None:
    found = running_in(demo.data_dir)

    assert found is not None
    assert found.url == demo.doors.url
    assert set(found.gateways) == {"sandbox", *simulator_names()}
    for name in (NAME, LOG_NAME):
        assert (demo.data_dir / name).stat().st_mode & 0o777 == 0o600


def test_a_phone_is_shown_the_way_only_where_it_can_go() -> None:
    assert phone_url("127.0.0.1", 8000) is None
    assert phone_url("192.0.2.7", 8000) == "http://192.0.2.7:8000"
