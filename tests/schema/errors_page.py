"""docs/errors.md, made from `app.error_catalog`: `python -m tests.schema.errors_page` writes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.error_catalog.entries import CATALOG, Entry, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE: Final = Path(__file__).parents[2] / "docs" / "errors.md"

_INTRODUCTION: Final = """\
# Errors

Every stable code that an answer may carry. The codes stay; the words may change. This page is made from
`app/error_catalog`, and a test holds it to the codes that are in the source.

    make docs                      # writes this page anew
    orderpulse explain CODE        # shows one of them, without a network
    orderpulse explain             # lists them

A GraphQL error has its code in `extensions.code`, the address of its page in `extensions.docUrl` (served under
`/errors/` by the server itself, or wherever `ORDERPULSE_ERROR_DOCS_URL` says), and in `extensions.requestId` the id
that the log knows the request by, which the answer's header `X-Request-Id` has, too; of a websocket, the answer to its
handshake. Expected refusals of mutations are data: `errors { code message field }` of the payload.
"""
_ABOUT: Final = {
    Kind.REFUSAL: "`ErrorCode` of the schema: in a payload's `errors`, or in `extensions.code` of a GraphQL error.",
    Kind.REQUEST: "In `extensions.code` alone: nothing of the operation, or not all of it, was run.",
    Kind.CLOSE: "A websocket closes as a whole where going on makes no sense; a failed operation only ends itself.",
    Kind.EXIT: "What `orderpulse` ends with, for scripts. The reason is on stderr.",
}


def page() -> str:
    """Return the whole page."""
    return "\n".join([_INTRODUCTION, *(line for kind in Kind for line in _section(kind))])


def _section(kind: Kind) -> Iterator[str]:
    yield f"## {kind}\n"
    yield f"{_ABOUT[kind]}\n"
    for entry in CATALOG.values():
        if entry.kind is kind:
            yield _shown(entry)


def _shown(entry: Entry) -> str:
    return (
        f"### {entry.code}\n\n**{entry.title}.** {entry.happened}\n\n"
        f"- What to do: {entry.to_do}\n- Send it again? {entry.retry}\n"
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
