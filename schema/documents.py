"""Documents made ready to run: parsed, weighed and validated once, and remembered by their text."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from graphql import GraphQLError, NoSchemaIntrospectionCustomRule, parse, specified_rules, validate
from strawberry.extensions import SchemaExtension

from app.domain.errors import ErrorCode
from schema.limits import check_limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import DocumentNode, GraphQLSchema

    from schema.limits import DocumentLimits

REMEMBERED_MAX: Final = 512
REMEMBERED_CHARACTERS_MAX: Final = 8_192
"""Longer texts are prepared each time, so that the memory of what is remembered stays bounded."""

ERRORS_MAX: Final = 20
"""A document with more faults than this is not read to its end."""


class Prepared(NamedTuple):
    """A parsed document, and why it can't be run, if so."""

    document: DocumentNode
    errors: list[GraphQLError]


class Documents:
    """The documents of one schema. The rules are chosen once: rules made anew would defeat any memory."""

    def __init__(self, schema: GraphQLSchema, limits: DocumentLimits, *, introspection: bool) -> None:
        self._schema = schema
        self._limits = limits
        self._rules = (*specified_rules, *(() if introspection else (NoSchemaIntrospectionCustomRule,)))
        self._remembered = lru_cache(REMEMBERED_MAX)(self._prepare)

    def prepare(self, text: str) -> Prepared:
        """Return a document ready to run.

        Raises:
            GraphQLError: the text is too long, or no GraphQL.
        """
        if len(text) > self._limits.characters_max:
            raise GraphQLError(
                f"A document has at most {self._limits.characters_max} characters. Send values as variables.",
                extensions={"code": ErrorCode.INVALID},
            )
        return self._remembered(text) if len(text) <= REMEMBERED_CHARACTERS_MAX else self._prepare(text)

    def _prepare(self, text: str) -> Prepared:
        document = parse(text, max_tokens=self._limits.tokens_max)
        errors = check_limits(self._schema, document, self._limits)
        return Prepared(document, errors or validate(self._schema, document, self._rules, ERRORS_MAX))


class PreparedDocuments(SchemaExtension):
    """Gives Strawberry the prepared document in place of its own parsing and validation, and counts operations."""

    documents: Documents

    def on_operation(self) -> Iterator[None]:
        """Prepare the operation's document. GraphQLError passes through to whoever runs the operation."""
        execution = self.execution_context
        kind, failed = "unreadable", True
        try:
            prepared = self.documents.prepare(execution.query or "")
            execution.graphql_document = prepared.document
            execution.pre_execution_errors = prepared.errors
            yield
            failed = execution.result is None or bool(execution.result.errors)
        finally:
            with suppress(RuntimeError):  # no document, or no operation of that name
                kind = execution.operation_type.value
            execution.context.services.metrics.operation(kind, failed=failed)
