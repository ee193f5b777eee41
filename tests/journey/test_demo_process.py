"""`orderpulse demo` as a program: what it prints, and that all it started is its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx2
import pytest

if TYPE_CHECKING:
    from tests.journey.demo_process import Demo


def test_the_box_fits_a_terminal_and_holds_every_address_and_key(demo: Demo) -> None:
    doors = demo.doors
    box = "\n".join(demo.output)

    assert [line for line in demo.output if len(line) > 80] == []
    for shown in (
        f"Shop            {doors.url}/ ",
        f"Track an order  {doors.url}/track/oat_",
        f"GraphiQL        {doors.url}/graphiql ",
        f"Sandbox         {doors.sandbox_url} ",
        f"Staff key       {doors.staff_key} ",
        f"Webhook secret  {doors.webhook_secret} ",
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

    assert [line for line in processes if " demo --no-open " in line] == processes[:1]
    assert any("postgres" in line for line in processes)
