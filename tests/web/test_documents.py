"""The GraphQL documents that the pages send, held to the API's schema."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from graphql import GraphQLSchema, build_schema, parse, validate
from graphql.utilities import find_breaking_changes

from tests.web.tiny_shop import SDL

ROOT: Final = Path(__file__).parents[2]
DOCUMENTS: Final = sorted(
    [*(ROOT / "web/src").rglob("*.graphql"), *(ROOT / "web/client/src").rglob("*.graphql")]
)


@pytest.fixture(scope="session")
def contract() -> GraphQLSchema:
    """Return the schema that the server prints."""
    return build_schema((ROOT / "schema/schema.graphql").read_text("utf-8"))


def test_there_are_documents_to_check() -> None:
    assert len(DOCUMENTS) == 38


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_every_document_fits_the_api(contract: GraphQLSchema, path: Path) -> None:
    assert validate(contract, parse(path.read_text("utf-8"))) == []


def test_the_tests_own_schema_is_a_part_of_the_api(contract: GraphQLSchema) -> None:
    changes = find_breaking_changes(build_schema(SDL), contract)

    # New optional inputs and more union members break no page.
    assert [change.description for change in changes] == []
