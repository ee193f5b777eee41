"""The schema as text: checked in, so that every change of the public contract shows in review."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from schema.build import build_schema

SDL_PATH: Final = Path(__file__).with_name("schema.graphql")


def printed_schema() -> str:
    """Return the schema in GraphQL's schema definition language."""
    return f"{build_schema().as_str().strip()}\n"
