"""The schema as text, and the pages' documents: checked in, so that every change of the contract shows in review."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from graphql import strip_ignored_characters

from schema.build import build_schema
from schema.trusted import document_id

SDL_PATH: Final = Path(__file__).with_name("schema.graphql")
_WEB: Final = Path(__file__).parents[1] / "web"
_SOURCES: Final = ("src/*/*.graphql", "client/src/*.graphql")
"""Of the pages and the client; a checkout has them, an installation hasn't. What the IDE shows lies deeper."""


def printed_schema() -> str:
    """Return the schema in GraphQL's schema definition language."""
    return f"{build_schema().as_str().strip()}\n"


def printed_documents() -> str:
    """Return the list of the documents that the pages send, by their hash: as they are sent, without white space."""
    paths = sorted(path for pattern in _SOURCES for path in _WEB.glob(pattern))
    texts = [strip_ignored_characters(path.read_text("utf-8")) for path in paths]
    return json.dumps({document_id(text): text for text in texts}, indent=2) + "\n"
