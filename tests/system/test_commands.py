"""The commands as people and machines run them: what they print, and the code that they end with."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import TYPE_CHECKING, Final

from typer.testing import CliRunner

from app.cli.commands import cli
from db.embedded import EmbeddedPostgres
from db.migrate import head
from tests.db.embedded_process import short_folder
from tests.system.processes import DSN_PASSWORD, SECRET_KEY, run_command, with_password

if TYPE_CHECKING:
    from pathlib import Path

    from tests.system.processes import Ran

COMMANDS: Final = ("demo", "serve", "migrate", "doctor", "audit", "sandbox", "trigger", "listen")
AWAY: Final = f"postgresql://shop:{DSN_PASSWORD}@127.0.0.1:1/shop"


def said(ran: Ran) -> str:
    """Return all that a command printed as one line."""
    return " ".join((ran.output + ran.errors).split())


async def test_every_command_explains_itself() -> None:
    whole, unknown = await asyncio.gather(run_command("--help"), run_command("refund"))
    # In this process: each start would cost a second and a half.
    wide = {"COLUMNS": "200", "NO_COLOR": "1"}
    helps = {name: CliRunner().invoke(cli, [name, "--help"], env=wide) for name in COMMANDS}
    told = {name: " ".join(ran.output.split()) for name, ran in helps.items()}

    assert whole.code == 0
    assert [command for command in COMMANDS if f" {command} " not in said(whole)] == []
    assert {ran.exit_code for ran in helps.values()} == {0}
    assert [name for name in COMMANDS if f" {name} " not in told[name]] == []
    assert "Buy something" in told["demo"]
    assert "--port" in told["serve"]
    assert "newest schema" in told["migrate"]
    assert "Exit code 1" in told["doctor"]
    assert "changes nothing" in told["audit"]
    assert "--webhook-url" in told["sandbox"]
    assert "orderpulse trigger payment.captured" in told["trigger"]
    assert "orderpulse listen --forward-to" in told["listen"]
    assert (unknown.code, "No such command" in said(unknown)) == (2, True)


async def test_what_a_person_can_mend_on_this_machine_is_told_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")

    no_folder, no_rate, unknown, nobody = await asyncio.gather(
        run_command("demo", "--no-open", "--data-dir", str(file)),
        run_command("demo", "--no-open", "--traffic", "lots"),
        run_command("explain", "OOPS", "--format", "json"),
        run_command("orders", "list", "--url", "http://127.0.0.1:1", "--format", "json"),
    )

    assert [ran.code for ran in (no_folder, no_rate, unknown, nobody)] == [1, 2, 5, 3]
    assert [ran.output for ran in (no_folder, no_rate, unknown, nobody)] == [""] * 4
    assert "The data folder must be a folder: --data-dir DIR." in said(no_folder)
    assert "Write --traffic 5/s" in said(no_rate)
    assert "`orderpulse explain` lists them." in said(unknown)
    assert "Start one by `orderpulse demo`" in said(nobody)


async def test_migrate_and_doctor_work_on_an_empty_database_by_several_at_once() -> None:
    with short_folder() as folder:
        async with EmbeddedPostgres(folder, durable=False) as postgres:
            url = postgres.dsn
            before = await run_command("doctor", DATABASE_URL=url, ORDERPULSE_DATA_DIR=str(folder))
            first, second = await asyncio.gather(*(run_command("migrate", DATABASE_URL=url) for _ in "12"))
            again = await run_command("migrate", DATABASE_URL=url)
            after = await run_command("doctor", DATABASE_URL=url, ORDERPULSE_DATA_DIR=str(folder))

    assert before.code == 1
    assert f"Run `orderpulse migrate` to come to {head()}." in said(before)
    assert (first.code, second.code) == (0, 0)
    assert any("was empty" in said(ran) for ran in (first, second))
    assert (again.code, said(again)) == (0, f"The schema is at {head()} already.")
    # Its throwaway cluster is not durable, and doctor says so.
    assert after.code == 1
    assert f"Schema: {head()}" in said(after)
    assert "Turn fsync on: without it an acknowledged payment can be lost." in said(after)
    assert "synchronous_commit: on" in said(after)
    assert said(after).endswith("2 to mend.")


async def test_doctor_finds_an_embedded_database_in_order() -> None:
    with short_folder() as folder:
        migrated = await run_command("migrate", "--data-dir", str(folder), "--format", "json")
        ran = await run_command("doctor", "--data-dir", str(folder))
        as_json = await run_command("doctor", "--data-dir", str(folder), "--format", "json")

    assert json.loads(migrated.output) == {"was": None, "is": head()}
    assert (ran.code, ran.errors) == (0, "")
    assert "PostgreSQL 18" in said(ran)
    assert "Owed work: 0 due, 0 dead" in said(ran)
    assert said(ran).endswith("Everything is in order.")
    assert (as_json.code, json.loads(as_json.output)["wrong"]) == (0, 0)


async def test_a_database_that_can_not_be_used_is_told_in_a_sentence_without_its_password(
    database_dsn: str,
) -> None:
    stranger = with_password(database_dsn).replace("/orderpulse?", "/nobodys?")
    unreadable = f"postgresql://shop:{DSN_PASSWORD}/more@127.0.0.1/shop"

    ran = await asyncio.gather(
        *(run_command(command, DATABASE_URL=AWAY) for command in ("serve", "migrate", "doctor")),
        run_command("serve", DATABASE_URL=stranger),
        run_command("serve", DATABASE_URL=unreadable),
    )

    assert [one.code for one in ran] == [1] * 5
    assert [one for one in ran if "Traceback" in said(one) or DSN_PASSWORD in said(one)] == []
    sentence = "The database of DATABASE_URL (at 127.0.0.1:1) can't be used"
    assert [one for one in ran[:3] if sentence not in said(one)] == []
    assert 'database "nobodys" does not exist' in said(ran[3])
    assert "DATABASE_URL is no PostgreSQL address" in said(ran[4])


async def test_what_can_not_be_set_up_is_refused_by_the_name_of_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ran = await asyncio.gather(
            run_command("serve", "--port", port, DATABASE_URL=AWAY),
            run_command("serve", ORDERPULSE_MODE="production", DATABASE_URL=AWAY),
            run_command(
                "serve",
                ORDERPULSE_MODE="production",
                ORDERPULSE_SECRET_KEY=SECRET_KEY,
                ORDERPULSE_SANDBOX_URL="http://127.0.0.1:1",
                DATABASE_URL=AWAY,
            ),
            run_command("serve", ORDERPULSE_SECRET_KEY="short", DATABASE_URL=AWAY),
            run_command("serve", ORDERPULSE_PORT="eighty", DATABASE_URL=AWAY),
        )

    assert [one.code for one in ran] == [1] * 5
    names = [f"Port {port} is taken", "SECRET_KEY", "SANDBOX_URL", "SECRET_KEY", "ORDERPULSE_PORT"]
    assert [name for name, one in zip(names, ran, strict=True) if name not in said(one)] == []
    assert [one for one in ran if "Traceback" in said(one)] == []
