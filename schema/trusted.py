"""Documents by their name: those that a shop's front ends were built with, and those that clients have sent before.

Source: graphql.github.io/graphql-over-http, "Appendix: Persisted Documents", and for `extensions.persistedQuery`
apollographql.com/docs/apollo-server/performance/apq, both read in November 2026.
"""

from __future__ import annotations

import hashlib
import logging
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from app.error_catalog import RequestCode
from schema.errors import BadRequestError, UnknownDocumentError
from schema.remembered import Remembered

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

AUTOMATIC_MAX: Final = 1_000
AUTOMATIC_CHARACTERS_MAX: Final = 1_048_576
"""Of all the texts together that clients had remembered."""
LOGGED_MAX: Final = 1_000
SHOWN_CHARACTERS: Final = 300
"""How much of a document that is not trusted the log shows."""
_PREFIX: Final = "sha256:"
_HASH: Final = re.compile(r"[0-9a-f]{64}")


class Trust(StrEnum):
    """What becomes of documents that are not on the list."""

    OFF = "off"
    """They are run; there need not be a list."""
    LOG = "log"
    """They are run, and each is logged once."""
    ONLY = "only"
    """They are refused before anything is made of them."""


class TrustedDocuments:
    """Finds the document that a request asks for, by its text or by its name."""

    def __init__(
        self, documents: Mapping[str, str] | None = None, *, trust: Trust = Trust.OFF, automatic: bool = True
    ) -> None:
        """Take the list.

        Args:
            documents: The trusted documents' texts by their names. Each is known by its hash, too.
            trust: What becomes of others.
            automatic: Whether clients may have documents remembered by their hash. Under `Trust.ONLY` they can't.
        """
        self.texts = frozenset((documents or {}).values())
        self._trusted = {document_id(text): text for text in self.texts} | dict(documents or {})
        self._trust = trust
        self._remembers = automatic and trust is not Trust.ONLY
        self._automatic = Remembered[str](entries_max=AUTOMATIC_MAX, characters_max=AUTOMATIC_CHARACTERS_MAX)
        self._logged = Remembered[bool](entries_max=LOGGED_MAX, characters_max=LOGGED_MAX)

    def text_of(self, payload: Mapping[str, Any]) -> str:
        """Return the text of the document that a request's parameters ask for.

        Raises:
            UnknownDocumentError: its name is not known here.
            BadRequestError: it is not trusted, or there is none.
        """
        query = payload.get("query")
        asked_id = self._asked_id(payload)
        if asked_id is None or query is not None:
            if not isinstance(query, str):
                raise BadRequestError(400, "`query` must be a string that holds a GraphQL document.")
            self._admit(query)
            if asked_id is not None:
                self._remember(asked_id, query)
            return query
        text = self._trusted.get(asked_id) or self._automatic.get(asked_id)
        if text is None:
            raise UnknownDocumentError("PersistedQueryNotFound", RequestCode.PERSISTED_QUERY_NOT_FOUND)
        return text

    def _asked_id(self, payload: Mapping[str, Any]) -> str | None:
        given = payload.get("documentId")
        if given is not None:
            if not isinstance(given, str):
                raise BadRequestError(400, "`documentId` must be a string.")
            return given
        extension = (payload.get("extensions") or {}).get("persistedQuery")
        if extension is None:
            return None
        if not self._remembers and not self._trusted:
            raise UnknownDocumentError(
                "PersistedQueryNotSupported", RequestCode.PERSISTED_QUERY_NOT_SUPPORTED
            )
        given = extension.get("sha256Hash") if isinstance(extension, dict) else None
        if not isinstance(given, str) or not _HASH.fullmatch(given) or extension.get("version") != 1:
            raise BadRequestError(400, "`persistedQuery` must have version 1 and the SHA-256 in lower case.")
        return _PREFIX + given

    def _admit(self, text: str) -> None:
        if self._trust is Trust.OFF or text in self.texts:
            return
        if self._trust is Trust.ONLY:
            raise BadRequestError(
                403,
                "Only the shop's own documents are run here. Send the id of one.",
                RequestCode.DOCUMENT_NOT_TRUSTED,
            )
        unknown_id = document_id(text)
        if self._logged.get(unknown_id) is None:
            self._logged.put(unknown_id, True, 1)
            log.warning(
                "document.unknown", extra={"document_id": unknown_id, "text": text[:SHOWN_CHARACTERS]}
            )

    def _remember(self, asked_id: str, text: str) -> None:
        if asked_id.startswith(_PREFIX) and asked_id != document_id(text):
            raise BadRequestError(400, "The hash is not that of the document.")
        if self._remembers and asked_id.startswith(_PREFIX):
            self._automatic.put(asked_id, text, len(text))


def document_id(text: str) -> str:
    """Return a document's "SHA256 hex document identifier"."""
    return _PREFIX + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
