"""The import contracts of pyproject.toml hold, and each of them catches the breach it is there for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]

# The product's shape with next to nothing in it, so that a planted import is the only wrong one.
SKELETON: Final = """
    app/__init__.py app/card_numbers.py app/auth.py app/batch.py app/checkout.py app/cli.py app/edge.py
    app/error_catalog.py app/health.py
    app/idempotency.py app/identity.py app/integrity.py app/live.py app/logs.py app/main.py app/metrics.py
    app/pages.py app/reconcile.py app/relay.py app/roles.py app/scopes.py app/settings.py app/settle.py app/staff.py
    app/tasks.py app/tls.py app/tracking.py app/views.py app/webhooks.py app/worker.py
    app/web/__init__.py
    app/gateway_calls.py
    app/domain/__init__.py app/domain/money.py app/domain/payment.py
    app/gateways/__init__.py app/gateways/contract.py app/gateways/http.py app/gateways/polling.py
    app/gateways/registry.py app/gateways/paypal.py app/gateways/stripe.py
    app/simulators/__init__.py app/simulators/gateway.py
    db/__init__.py db/orders.py
    schema/__init__.py schema/queries.py
""".split()
UNLAYERED: Final = {"app/clock.py": "import db"}

# What must stay legal, or the contracts would forbid the design itself.
ALLOWED: Final = {
    "app/main.py": "import app.settings, app.settle, app.relay, app.webhooks, app.worker, schema, db",
    "app/cli.py": "import app.main, app.settings, app.simulators.gateway",
    "app/settings.py": "import os, pydantic_settings",
    "app/relay.py": "import broadcaster, db",
    "app/settle.py": "import app.batch, app.domain.payment, app.metrics, db",
    "app/checkout.py": "import app.gateways.stripe, app.gateway_calls, app.settle",
    "app/reconcile.py": "import app.gateway_calls, app.gateways, app.settle, db",
    "app/gateway_calls.py": "import app.gateways, app.idempotency, app.settle",
    "app/gateways/__init__.py": "import app.gateways.contract, app.gateways.registry",
    "app/gateways/registry.py": "import app.gateways.contract",
    "app/gateways/stripe.py": "from app.gateways import contract, http, polling",
    "app/simulators/gateway.py": "import starlette, app.domain.money",
    "db/orders.py": "import asyncpg, sqlalchemy, sqlmodel, app.domain.money",
    "schema/queries.py": "import strawberry, app.checkout",
    "app/domain/payment.py": "import dataclasses, app.domain.money",
}

BREACHES: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "Imports only point down": {
        "domain to db": ("app/domain/payment.py", "import db"),
        "db to settle": ("db/orders.py", "import app.settle"),
        "db to its neighbour auth": ("db/orders.py", "import app.auth"),
        "gateway to its neighbour db": ("app/gateways/stripe.py", "import db"),
        "batch to settle": ("app/batch.py", "import app.settle"),
        "metrics to db": ("app/metrics.py", "import db"),
        "checkout to views": ("app/checkout.py", "import app.views"),
        "settle to checkout": ("app/settle.py", "import app.checkout"),
        "settle to its neighbour live": ("app/settle.py", "import app.live"),
        "settle to gateway calls": ("app/settle.py", "import app.gateway_calls"),
        "gateway calls to reconcile": ("app/gateway_calls.py", "import app.reconcile"),
        "reconcile to worker": ("app/reconcile.py", "import app.worker"),
        "checkout to its neighbour reconcile": ("app/checkout.py", "import app.reconcile"),
        "staff to views": ("app/staff.py", "import app.views"),
        "integrity to its neighbour settle": ("app/integrity.py", "import app.settle"),
        "pages to db": ("app/pages.py", "import db"),
        "web to tracking": ("app/web/__init__.py", "import app.tracking"),
        "worker to schema": ("app/worker.py", "import schema"),
        "schema to its neighbour webhooks": ("schema/queries.py", "import app.webhooks"),
        "web to main": ("app/web/__init__.py", "import app.main"),
        "by way of a module without a layer": ("app/domain/payment.py", "import app.clock"),
        "inside a function": ("app/gateways/stripe.py", "def refund():\n    from app.settle import submit"),
    },
    "The domain does no input or output": {
        "it waits": ("app/domain/payment.py", "import asyncio"),
        "it throws dice": ("app/domain/money.py", "from random import randint"),
    },
    "The schema reaches the database only through app": {
        "schema to db": ("schema/queries.py", "from db import orders"),
    },
    "The broker is known to app.relay alone": {
        "live to broker": ("app/live.py", "import broadcaster"),
    },
    "The database is known to db alone": {
        "settle to driver": ("app/settle.py", "import asyncpg"),
        "schema to tables": ("schema/queries.py", "from sqlmodel import select"),
    },
    "Gateways don't know each other": {
        "gateway to gateway": ("app/gateways/stripe.py", "from app.gateways import paypal"),
        "polling to gateway": ("app/gateways/polling.py", "import app.gateways.stripe"),
        "registry to gateway": ("app/gateways/registry.py", "import app.gateways.stripe"),
    },
    "Simulators share nothing with the product but money": {
        "simulator to domain": ("app/simulators/gateway.py", "from app.domain import payment"),
    },
    "Simulators are started by app.cli alone": {
        "main to simulator": ("app/main.py", "from app.simulators import gateway"),
    },
    "Settings are handed down by the composition root": {
        "settle to settings": ("app/settle.py", "from app.settings import Settings"),
    },
    "The environment is parsed by app.settings alone": {
        "auth to environment": ("app/auth.py", "import pydantic_settings"),
    },
}
CASES: Final = [(contract, breach) for contract, breaches in BREACHES.items() for breach in breaches]


def contract_names() -> set[str]:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return {contract["name"] for contract in options["tool"]["importlinter"]["contracts"]}


def plant(tree: Path, files: dict[str, str]) -> None:
    for path, source in {**dict.fromkeys(SKELETON, ""), **UNLAYERED, **files}.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(source + "\n")
    (tree / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())


def verdicts(trees: list[Path]) -> dict[Path, set[tuple[str, str]]]:
    """Return, for each tree, every contract's name with KEPT or BROKEN."""
    linted = subprocess.run(
        [sys.executable, Path(__file__).with_name("lint_trees.py"), *trees],
        env={**os.environ, "COLUMNS": "200"},  # a wrapped line would hide its verdict
        capture_output=True,
        text=True,
        check=True,
    )
    reports = re.split(r"^tree (.+)$", linted.stdout, flags=re.MULTILINE)[1:]
    return {
        Path(tree): set(re.findall(r"^(.+) (KEPT|BROKEN)(?: \(.+\))?$", report, flags=re.MULTILINE))
        for tree, report in zip(reports[::2], reports[1::2], strict=True)
    }


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], set[str]]:
    """The names of the contracts that each of CASES breaks."""
    trees = {case: tmp_path_factory.mktemp("tree") for case in CASES}
    for (contract, breach), tree in trees.items():
        path, source = BREACHES[contract][breach]
        plant(tree, {path: source})

    found = verdicts(list(trees.values()))

    return {
        case: {name for name, verdict in found[tree] if verdict == "BROKEN"} for case, tree in trees.items()
    }


def test_the_source_keeps_every_contract() -> None:
    found = verdicts([ROOT])[ROOT]

    assert found == {(name, "KEPT") for name in contract_names()}


def test_the_design_itself_is_legal(tmp_path: Path) -> None:
    plant(tmp_path, ALLOWED)

    found = verdicts([tmp_path])[tmp_path]

    assert found == {(name, "KEPT") for name in contract_names()}


@pytest.mark.parametrize(("contract", "breach"), CASES)
def test_a_planted_import_breaks_its_contract_and_no_other(
    contract: str, breach: str, broken: dict[tuple[str, str], set[str]]
) -> None:
    assert broken[contract, breach] == {contract}


def test_every_contract_has_a_planted_breach() -> None:
    assert set(BREACHES) == contract_names()
