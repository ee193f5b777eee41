"""How values are written in the environment."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BeforeValidator, SecretStr
from pydantic_settings import NoDecode

PREFIX: Final = "ORDERPULSE_"


def _split(value: object) -> object:
    """Read words with commas between."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)]
