"""Lists of trusted documents, as the tools of front ends write them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from schema.trusted import document_id

if TYPE_CHECKING:
    from collections.abc import Iterable

OWN_PATH: Final = Path(__file__).with_name("documents.json")
"""The documents of the pages that come with the product, by their hash."""
_APOLLO: Final = "apollo-persisted-query-manifest"
_HASH_PREFIX: Final = "sha256:"


class ManifestError(Exception):
    """The list can't be read; the message says what is wrong with it."""


def read_manifest(path: Path) -> dict[str, str]:
    """Return the documents of a list by their names.

    A folder holds one document a `.graphql` file, each known by its file's name. A file is JSON: an object of texts by
    name, as Relay and GraphQL Code Generator write it, or Apollo's manifest.

    Raises:
        ManifestError: it is none of these, or a name is the hash of another text.
    """
    try:
        if path.is_dir():
            documents = {file.stem: file.read_text("utf-8") for file in sorted(path.rglob("*.graphql"))}
        else:
            documents = dict(_pairs(orjson.loads(path.read_bytes())))
    except (OSError, ValueError) as error:
        raise ManifestError(f"{path.name} can't be read as a list of documents: {error}") from None
    for name, text in documents.items():
        if name.startswith(_HASH_PREFIX) and name != document_id(text):
            raise ManifestError(f"{path.name}: {name} is not the hash of its document")
    return documents


def _pairs(content: Any) -> Iterable[tuple[str, str]]:  # noqa: ANN401 - JSON
    if not isinstance(content, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004 - its caller tells of values
    pairs = list(content.items())
    if content.get("format") == _APOLLO:
        pairs = [(each.get("id"), each.get("body")) for each in content.get("operations", ())]
    for name, text in pairs:
        if not isinstance(name, str) or not isinstance(text, str):
            raise ValueError("it is not an object of texts by name")  # noqa: TRY004
        yield name, text
