"""Operations that nobody thought of, made from the schema by schemathesis: none may break a running server.

`make fuzz` sends 200 of every query and mutation; with the suite run a few. They are the same ones each time.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from schemathesis.graphql import nodes

from app.domain.ids import IdPrefix, encode_id
from db.pool import Database
from tests.conftest import empty
from tests.system.deliveries import open_payments
from tests.system.processes import STAFF_KEY, Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

SCHEMA: Final = Path(__file__).parents[2] / "schema" / "schema.graphql"
EXAMPLES: Final = int(os.environ.get("GENERATED_EXAMPLES", "12"))
ANSWER_SECONDS_MAX: Final = 30.0
OUR_FAULT: Final = frozenset({"INTERNAL", "UNAVAILABLE"})
FEW: Final = {"Query.viewer": 3, "Query.gatewayHealth": 3}
"""Those without arguments, of which there are no more to be made than they have selections of fields."""
ORDER: Final = "@order@"
PAYMENT: Final = "@payment@"
"""Stand for ids that are known when an operation is sent."""


def likely(*values: str) -> st.SearchStrategy[Any]:
    """Return texts of which many are taken for what they should be."""
    return st.one_of(st.sampled_from(values), st.text(max_size=40)).map(nodes.String)


SCALARS: Final[Mapping[str, st.SearchStrategy[Any]]] = {
    "ID": likely(ORDER, PAYMENT),
    "Decimal": likely("0", "1.00", "499.00", "-1", "0.001", "1e9", "NaN", "9" * 30),
    "BigInt": likely("0", "-1", "49900", str(2**63), "9" * 400),
    "CurrencyCode": likely("INR", "EUR", "JPY", "KWD", "ZZZ", "inr"),
    "CountryCode": likely("IN", "DE", "XX", "in"),
    "DateTime": likely(
        "2026-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59+14:00", "2026-02-30"
    ),
    "Cursor": likely("", "AA", "djE6MTo="),
    "JSON": st.one_of(st.text(max_size=40).map(nodes.String), st.just(nodes.Object(fields=[]))),
}
for name, strategy in SCALARS.items():
    schemathesis.graphql.scalar(name, strategy)

OPERATIONS: Final = {
    found.ok().label: found.ok()
    for found in schemathesis.graphql.from_file(SCHEMA.read_text()).get_all_operations()
    if isinstance(found, Ok)
}


@pytest.fixture(scope="module")
async def known(database_dsn: str) -> AsyncIterator[dict[str, str]]:
    """An order with an open payment."""
    async with Database(database_dsn) as database:
        async with database.connection() as connection:
            await empty(connection)
        (opened,) = await open_payments(database, 1)
        yield {
            ORDER: encode_id(IdPrefix.ORDER, opened.order.id),
            PAYMENT: encode_id(IdPrefix.PAYMENT, opened.payment.id),
        }


@pytest.fixture(scope="module")
def staff() -> Iterator[requests.Session]:
    """A connection of somebody who may do everything."""
    with requests.Session() as session:
        session.headers["authorization"] = f"Bearer {STAFF_KEY}"
        yield session


@pytest.mark.parametrize("label", OPERATIONS)
def test_no_operation_breaks_the_server(
    server: Server, staff: requests.Session, known: dict[str, str], label: str
) -> None:
    answered = 0

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(OPERATIONS[label].as_strategy())
    def send(case: schemathesis.Case[Any]) -> None:
        nonlocal answered
        query = str(case.body)
        for name, value in known.items():
            query = query.replace(name, value)
        url = f"http://127.0.0.1:{server.port}/graphql"
        response = staff.post(url, json={"query": query}, timeout=ANSWER_SECONDS_MAX)
        assert response.status_code in (200, 400), query
        codes = {error.get("extensions", {}).get("code") for error in response.json().get("errors", [])}
        assert not codes & OUR_FAULT, query
        answered += 1

    send()

    assert answered >= FEW.get(label, EXAMPLES)


def test_every_query_and_mutation_is_tried() -> None:
    kinds = [label.partition(".")[0] for label in OPERATIONS]

    assert kinds.count("Query") >= 13
    assert kinds.count("Mutation") >= 14
