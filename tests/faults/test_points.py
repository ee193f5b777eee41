"""Points are planted at every statement and await, under stable names, and only where they were asked for."""

from __future__ import annotations

import ast
import subprocess
import sys
from typing import Final

from tests.faults.money_path import BUILDS, ROOT, Build, modules
from tests.faults.points import AWAITED, ENTERED, HIT, HIT_ASYNC, ITERATED, all_points, plant

SOURCE: Final = '''
"""A module."""
LIMIT: Final = 60.0

class Till:
    """A till."""

    patience: float = 10.0

    async def open(self, lock):
        """Open it."""
        async with lock as held:
            coins = await held.count()
        async for coin in coins:
            if coin:
                break
        else:
            self.shut()
        try:
            return [await each for each in coins]
        except OSError:
            raise
        finally:
            self.shut()

    def shut(self):
        def twice():
            pass
        twice()
        twice()
'''
NAMES: Final = [
    "shop:Till.open/async with lock as held:#1",
    "shop:Till.open/before entering lock#1",
    "shop:Till.open/after entering lock#1",
    "shop:Till.open/before leaving lock#1",
    "shop:Till.open/after leaving lock#1",
    "shop:Till.open/coins = await held.count()#1",
    "shop:Till.open/before await held.count()#1",
    "shop:Till.open/after await held.count()#1",
    "shop:Till.open/async for coin in coins:#1",
    "shop:Till.open/before next of coins#1",
    "shop:Till.open/after next of coins#1",
    "shop:Till.open/if coin:#1",
    "shop:Till.open/break#1",
    "shop:Till.open/self.shut()#1",
    "shop:Till.open/try:#1",
    "shop:Till.open/return [await each for each in coins]#1",
    "shop:Till.open/before await each#1",
    "shop:Till.open/after await each#1",
    "shop:Till.open/raise#1",
    "shop:Till.open/self.shut()#2",
    "shop:Till.shut/def twice():#1",
    "shop:Till.shut.twice/pass#1",
    "shop:Till.shut/twice()#1",
    "shop:Till.shut/twice()#2",
]


def test_every_statement_and_both_sides_of_every_await_have_a_point_with_a_name() -> None:
    _, points = plant("shop", SOURCE, Build(points=True), first=7)

    assert sorted(point.name for point in points) == sorted(NAMES)
    assert [point.number for point in points] == list(range(7, 7 + len(NAMES)))


def test_a_limit_is_lowered_in_its_module_or_class_alone() -> None:
    lowered = {("shop", "LIMIT"): 1, ("shop", "Till.patience"): 2, ("elsewhere", "LIMIT"): 3}

    tree, points = plant("shop", SOURCE, Build(lowered=lowered), first=0)

    assert points == []
    assert ast.unparse(tree) == ast.unparse(ast.parse(SOURCE)).replace("60.0", "1").replace("10.0", "2")


def test_every_limit_that_is_lowered_is_there() -> None:
    for build in BUILDS.values():
        for (module, name), limit in build.lowered.items():
            source = modules()[module].read_text()
            alone = Build(lowered={(module, name): limit})

            tree, _ = plant(module, source, alone, first=0)

            assert ast.unparse(tree) != ast.unparse(ast.parse(source)), name


def test_names_and_numbers_of_points_are_each_anothers() -> None:
    points = all_points()

    assert len({point.name for point in points}) == len(points) > 600
    assert [point.number for point in points] == list(range(len(points)))
    assert set(modules()) - {point.module for point in points} == {
        "db.settlement",
        "app.worker",
    }  # they only hand on


def test_a_server_that_nobody_asked_for_points_has_none() -> None:
    script = (
        "import sys, app.main, app.settle, app.cli.serving\n"
        "planted = [n for n, m in sys.modules.items() if any(k.startswith('__fault') for k in vars(m))]\n"
        "print(planted, [n for n in sys.modules if n.startswith('tests')], app.settle.Settler.submit.__code__.co_names)"
    )

    asked = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )

    planted, tests, names = asked.stdout.partition("] [")[0], asked.stdout.split("] [")[1], asked.stdout
    assert planted == "["
    assert tests.startswith("]")
    assert "__fault" not in names


def test_the_products_source_names_no_point() -> None:
    planted = {HIT, HIT_ASYNC, AWAITED, ENTERED, ITERATED, "tests.faults"}

    naming = [
        str(path.relative_to(ROOT))
        for folder in ("app", "db", "schema")
        for path in (ROOT / folder).rglob("*.py")
        if any(name in path.read_text() for name in planted)
    ]

    assert naming == []


def test_a_server_with_points_leaves_no_compiled_file_behind() -> None:
    script = (
        "from tests.faults import planting\n"
        "from tests.faults.money_path import BUILDS\n"
        "planting.install(BUILDS['planted'])\n"
        "import app.settle, app.idempotency\n"
        "print('__fault_hit_async__' in app.settle.Settler.submit.__code__.co_names, app.idempotency.LEASE_SECONDS,\n"
        "      app.settle.SettlerLimits().retry_for_seconds, app.settle.__doc__ is not None)\n"
    )
    cached = ROOT / "app" / "__pycache__" / f"settle.{sys.implementation.cache_tag}.pyc"
    before = cached.read_bytes() if cached.exists() else None

    asked = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert asked.stdout == "True 0.3 0.5 True\n"
    assert (cached.read_bytes() if cached.exists() else None) == before


def test_points_are_refused_once_the_money_path_is_imported() -> None:
    script = (
        "import app.batch\n"
        "from tests.faults import planting\n"
        "from tests.faults.money_path import BUILDS\n"
        "planting.install(BUILDS['planted'])\n"
    )

    refused = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1] == (
        "RuntimeError: Imported before it could be rewritten: app.batch, db.settlement, db.settlement.reading,"
        " db.settlement.writing."
    )
