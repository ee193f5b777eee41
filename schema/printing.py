"""The schema as text, and the pages' documents: checked in, so that every change of the contract shows in review."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from schema.build import build_schema
from schema.trusted import document_id

SDL_PATH: Final = Path(__file__).with_name("schema.graphql")
PAGES_PATH: Final = Path(__file__).parents[1] / "web" / "src"
"""Where the pages are made; a checkout has it, an installation hasn't."""


def printed_schema() -> str:
    """Return the schema in GraphQL's schema definition language."""
    return f"{build_schema().as_str().strip()}\n"


def printed_documents() -> str:
    """Return the list of the documents that the pages send, by their hash."""
    texts = [path.read_text("utf-8") for path in sorted(PAGES_PATH.rglob("*.graphql"))]
    return json.dumps({document_id(text): text for text in texts}, indent=2) + "\n"
