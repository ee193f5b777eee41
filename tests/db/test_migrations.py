"""The migrated schema is the models' schema, to the last constraint; and migrating is safe to do at once and again."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, text
from sqlmodel import SQLModel

import db.tables  # noqa: F401 - fills SQLModel.metadata
from db import migrate
from db.embedded import find_bin_folder
from db.engine import create_engine
from db.pool import Database, connect
from tests.making import stored_order

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy import Connection


@pytest.fixture
async def scratch_schema(database_dsn: str) -> AsyncIterator[str]:
    """A schema of its own in the tests' database, and the DSN that leads into it."""
    connection = await connect(database_dsn, application_name="test")
    await connection.execute("DROP SCHEMA IF EXISTS scratch CASCADE; CREATE SCHEMA scratch")
    yield f"{database_dsn}{'&' if '?' in database_dsn else '?'}options=-csearch_path%3Dscratch"
    await connection.execute("DROP SCHEMA scratch CASCADE")
    await connection.close()


def dumped(dsn: str, schema: str) -> list[str]:
    """Return the definitions of a schema as pg_dump writes them, without what differs by nature."""
    done = subprocess.run(
        [find_bin_folder() / "pg_dump", "-d", dsn, "-s", "-n", schema, "--no-owner", "--no-privileges"],
        check=True,
        capture_output=True,
        text=True,
    )
    statements = done.stdout.replace(f"{schema}.", "").split(";\n")
    lines = ["\n".join(_definition(statement)) for statement in statements]
    return sorted(
        line for line in lines if line and f"SCHEMA {schema}" not in line and "alembic_version" not in line
    )


def _definition(statement: str) -> list[str]:
    lines = [line.rstrip(",") for line in statement.splitlines()]
    return sorted(line for line in lines if line and not line.startswith(("--", "SET ", "SELECT ", "\\")))


async def test_the_migrations_and_the_models_agree(database_dsn: str) -> None:
    await migrate.check(database_dsn)


async def test_the_migrated_schema_dumps_as_the_models_schema_does(
    database_dsn: str, scratch_schema: str
) -> None:
    def create(connection: Connection) -> None:
        SQLModel.metadata.create_all(connection)

    engine = create_engine(scratch_schema)
    async with engine.begin() as connection:
        await connection.run_sync(create)
    await engine.dispose()

    migrated = dumped(database_dsn, "public")
    modelled = dumped(database_dsn, "scratch")

    assert migrated == modelled
    checks = [
        constraint
        for table in SQLModel.metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    ]
    assert sum(definition.count("CONSTRAINT ck_") for definition in migrated) == len(checks)


def test_the_newest_revision_is_alembics_head_and_each_sorts_behind_the_one_before() -> None:
    scripts = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations"))
    newest_first = [script.revision for script in scripts.walk_revisions()]

    assert [migrate.head()] == scripts.get_heads()
    assert newest_first == sorted(newest_first, reverse=True)


async def test_what_is_migrated_already_is_left_alone_without_alembic(scratch_schema: str) -> None:
    await migrate.upgrade(scratch_schema)
    program = (
        "import asyncio, sys\n"
        "from db import migrate\n"
        "asyncio.run(migrate.upgrade(sys.argv[1]))\n"
        "print({'alembic', 'sqlalchemy'} & sys.modules.keys())\n"
    )

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, scratch_schema), stdout=subprocess.PIPE
    )
    printed, _ = await process.communicate()

    assert (process.returncode, printed.decode().strip()) == (0, "set()")


async def test_three_migrators_at_once_make_one_schema(scratch_schema: str) -> None:
    command = [sys.executable, "-m", "alembic", "-x", f"dsn={scratch_schema}", "upgrade", "head"]
    migrators = [await asyncio.create_subprocess_exec(*command) for _ in range(3)]
    codes = [await migrator.wait() for migrator in migrators]

    assert codes == [0, 0, 0]
    assert await migrate.current(scratch_schema) == migrate.head()
    await migrate.check(scratch_schema)


async def test_what_was_migrated_can_be_taken_back(scratch_schema: str) -> None:
    await migrate.upgrade(scratch_schema)

    await migrate.downgrade(scratch_schema, "base")

    assert await migrate.current(scratch_schema) is None
    engine = create_engine(scratch_schema)
    async with engine.connect() as connection:
        left = await connection.execute(
            text(
                "SELECT count(*) FROM pg_tables WHERE schemaname = 'scratch' AND tablename <> 'alembic_version'"
            )
        )
        assert left.scalar_one() == 0
    await engine.dispose()


async def test_a_schema_without_one_check_is_noticed(database_dsn: str, scratch_schema: str) -> None:
    await migrate.upgrade(scratch_schema)
    before = dumped(database_dsn, "scratch")
    connection = await connect(scratch_schema, application_name="test")

    await connection.execute("ALTER TABLE orders DROP CONSTRAINT ck_orders_status")
    await connection.close()

    assert dumped(database_dsn, "scratch") != before


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE orders SET status = 'LOST'", "ck_orders_status"),
        ("UPDATE orders SET payment_status = 'MAYBE'", "ck_orders_payment_status"),
        ("UPDATE orders SET version = 0", "ck_orders_version"),
        ("UPDATE orders SET total_minor = -1", "ck_orders_total_minor"),
        ("UPDATE orders SET currency = 'rupees'", "ck_orders_currency"),
        ("UPDATE order_lines SET quantity = 0", "ck_order_lines_quantity"),
    ],
)
async def test_the_database_itself_refuses_what_the_rules_refuse(
    database: Database, statement: str, constraint: str
) -> None:
    await stored_order(database)

    with pytest.raises(Exception, match=constraint):
        await database.fetch(statement)
