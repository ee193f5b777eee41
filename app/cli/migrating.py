"""`orderpulse migrate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli.databases import open_database
from db import migrate

if TYPE_CHECKING:
    from app.cli.output import Output
    from app.settings import Settings


async def run_migrate(settings: Settings, output: Output) -> int:
    """Bring the database to the newest schema, and say from where to where."""
    async with open_database(settings) as database:
        before = await migrate.current(database.dsn)
        await migrate.upgrade(database.dsn)
        after = await migrate.current(database.dsn)
    if before == after:
        said = f"The schema is at {after} already."
    else:
        said = f"The schema is now at {after} (was {before or 'empty'})."
    output.document({"was": before, "is": after}, said)
    return 0
