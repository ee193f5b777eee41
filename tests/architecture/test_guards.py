"""The source passes the house's guards, and each guard finds what it is there to find."""

from __future__ import annotations

import tomllib
from pathlib import PurePosixPath
from typing import Final

import pytest

from tests.architecture import guards
from tests.architecture.guards import GUARDS, ROOT, Guard

BREACHES: Final[list[tuple[Guard, str, str]]] = [
    (guards.files_past_the_limit, "app/settle.py", "x = 1\n" * 351),
    (guards.names_without_a_noun, "app/utils.py", ""),
    (guards.names_without_a_noun, "app/common/money.py", ""),
    (guards.names_without_a_noun, "db/orders.py", "class OrderManager: pass"),
    (guards.modules_without_a_docstring, "app/settle.py", "x = 1"),
    (guards.modules_without_a_docstring, "app/web/__init__.py", ""),
    (guards.sql_outside_db, "app/settle.py", 'ROWS = "SELECT id FROM orders WHERE id = $1"'),
    (guards.sql_outside_db, "app/settle.py", 'ROWS = "select pg_notify($1, $2)"'),
    (guards.sql_outside_db, "app/settle.py", 'ROWS = """\n  insert into facts values (1)"""'),
    (guards.sql_outside_db, "app/settle.py", 'ROWS = f"update {table} set paid = 1"'),
    (guards.sql_outside_db, "app/settle.py", 'ROWS = f"UPDATE orders o SET paid = {paid}"'),
    (guards.sql_outside_db, "schema/queries.py", 'ROWS = "with paid as (values (1)) table paid"'),
    (guards.sql_outside_db, "schema/queries.py", 'await execute("delete from orders")'),
    (guards.sql_outside_db, "app/relay.py", 'await execute("LISTEN orders")'),
    (guards.sql_outside_db, "app/relay.py", 'await execute("rollback")'),
    (guards.prints_outside_the_cli, "app/settle.py", 'print("paid")'),
    (guards.prints_outside_the_cli, "app/client.py", 'print("paid")'),
    (guards.environment_outside_the_settings, "app/settle.py", 'import os\nos.environ["A"]'),
    (guards.environment_outside_the_settings, "app/settle.py", 'import os as o\no.getenv("A")'),
    (guards.environment_outside_the_settings, "db/pool.py", "from os import getenv"),
    (guards.environment_outside_the_settings, "app/simulators/sandbox/server.py", "from os import environ"),
    (guards.foreign_imports_in_the_domain, "app/domain/money.py", "import orjson"),
    (guards.foreign_imports_in_the_domain, "app/domain/money.py", "from app import settings"),
    (guards.foreign_imports_in_the_domain, "app/domain/money.py", "import app.domains"),
    (guards.undeclared_imports, "app/settle.py", "import requests"),
    (guards.undeclared_imports, "app/settle.py", "def late():\n    from hypothesis import given"),
    (guards.undeclared_imports, "app/settle.py", "import not_installed_anywhere"),
]

LOOKALIKES: Final[list[tuple[Guard, str, str]]] = [
    (guards.files_past_the_limit, "app/settle.py", "x = 1\n" * 350),
    (guards.names_without_a_noun, "app/database.py", "class Baseline: pass"),
    (guards.modules_without_a_docstring, "app/settle.py", '"""Where facts change orders."""'),
    (guards.sql_outside_db, "db/orders.py", 'ROWS = "select id from orders"'),
    (guards.sql_outside_db, "app/settle.py", '"""Select id from orders."""'),
    (guards.sql_outside_db, "app/cli.py", 'HELP = "Select a gateway from the list."'),
    (guards.sql_outside_db, "app/cli.py", 'HELP = "Update the set of keys. Delete from the cart."'),
    (guards.sql_outside_db, "app/live.py", 'TEXT = "subscription { orderUpdated }"'),
    (guards.prints_outside_the_cli, "app/cli.py", 'print("paid")'),
    (guards.prints_outside_the_cli, "app/cli/demo.py", 'print("paid")'),
    (guards.prints_outside_the_cli, "app/settle.py", "receipt.print()"),
    (guards.environment_outside_the_settings, "app/settings.py", 'import os\nos.environ["A"]'),
    (guards.environment_outside_the_settings, "app/settle.py", "import os\nos.kill(1, 9)\nself.environ"),
    (guards.environment_outside_the_settings, "app/simulators/a/__main__.py", "from os import environ"),
    (guards.foreign_imports_in_the_domain, "app/domain/money.py", "import decimal, app.domain.errors"),
    (guards.foreign_imports_in_the_domain, "app/settle.py", "import orjson"),
    (guards.undeclared_imports, "app/settle.py", "import asyncio, app.domain, orjson, prometheus_client"),
]


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.__name__)
def test_the_source_passes_every_guard(guard: Guard) -> None:
    assert guards.findings(guard) == []


@pytest.mark.parametrize(("guard", "path", "source"), BREACHES)
def test_a_planted_breach_is_found(guard: Guard, path: str, source: str) -> None:
    found = list(guard(PurePosixPath(path), source))

    assert len(found) == 1, found
    assert found[0].startswith(path)


@pytest.mark.parametrize(("guard", "path", "source"), LOOKALIKES)
def test_what_only_looks_like_a_breach_passes(guard: Guard, path: str, source: str) -> None:
    assert list(guard(PurePosixPath(path), source)) == []


def test_every_guard_has_a_planted_breach_and_a_lookalike() -> None:
    assert {guard for guard, _, _ in BREACHES} == set(GUARDS)
    assert {guard for guard, _, _ in LOOKALIKES} == set(GUARDS)


def test_a_long_file_that_was_cut_is_taken_off_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(guards.LONG_FILES, "app/settle.py", "one state machine, one table")

    long_one = list(guards.files_past_the_limit(PurePosixPath("app/settle.py"), "x = 1\n" * 351))
    short_one = list(guards.files_past_the_limit(PurePosixPath("app/settle.py"), "x = 1\n"))

    assert long_one == []
    assert short_one == ["app/settle.py: no longer long, take it off LONG_FILES"]


def test_every_module_of_the_product_has_a_place_in_the_layers() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = " ".join(next(c["layers"] for c in options["contracts"] if c["id"] == "layers"))
    placed = set(layers.replace("(", "").replace(")", "").split()) - {"|", ":"}
    beside = {"app.settings", "app.simulators"}  # each has contracts of its own

    modules = {
        f"app.{entry.stem}"
        for entry in (ROOT / "app").iterdir()
        if entry.suffix == ".py" or (entry / "__init__.py").exists()
    } - {"app.__init__"}

    assert modules - placed - beside == set()
