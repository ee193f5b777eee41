"""The schema, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import strawberry
from graphql import GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType, Undefined
from strawberry.schema.config import StrawberryConfig

from schema.documents import Documents, PreparedDocuments
from schema.errors import present
from schema.limits import DocumentLimits
from schema.mutations import Mutation
from schema.queries import Query
from schema.scalars import SCALARS
from schema.subscriptions import Subscription

if TYPE_CHECKING:
    from graphql import GraphQLArgument, GraphQLError, GraphQLInputField, GraphQLSchema
    from strawberry.types.execution import ExecutionContext

_DEFAULT_LIMITS: Final = DocumentLimits()


class OrderpulseSchema(strawberry.Schema):
    """Strawberry's schema with our documents and our way of showing errors."""

    def __init__(
        self,
        *,
        limits: DocumentLimits = _DEFAULT_LIMITS,
        introspection: bool = True,
        suggestions: bool = True,
    ) -> None:
        super().__init__(
            query=Query,
            mutation=Mutation,
            subscription=Subscription,
            extensions=[self._extension],
            config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=not suggestions),
        )
        _leave_out_null_defaults(self._schema)
        self._documents = Documents(self._schema, limits, introspection=introspection)

    def _extension(self) -> PreparedDocuments:
        extension = PreparedDocuments()
        extension.documents = self._documents
        return extension

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Put what callers may see in place of what happened; the log gets what nobody expected."""
        del execution_context  # the error knows where it happened
        shown = [present(error) for error in errors]
        if any(after is not before for after, before in zip(shown, errors, strict=True)):
            errors[:] = shown


def _leave_out_null_defaults(schema: GraphQLSchema) -> None:
    """Take back the `= null` that Strawberry writes for Python's `= None`: the contract has no such defaults."""
    inputs: list[GraphQLArgument] | list[GraphQLInputField]
    for type_ in schema.type_map.values():
        match type_:
            case GraphQLObjectType() | GraphQLInterfaceType():
                inputs = [argument for field in type_.fields.values() for argument in field.args.values()]
            case GraphQLInputObjectType():
                inputs = list(type_.fields.values())
            case _:
                continue
        for item in inputs:
            if item.default_value is None:
                item.default_value = Undefined


def build_schema(
    *, limits: DocumentLimits = _DEFAULT_LIMITS, introspection: bool = True, suggestions: bool = True
) -> OrderpulseSchema:
    """Return a schema that is ready to run.

    Args:
        limits: The most that one document may ask for.
        introspection: Whether the schema may be asked for itself.
        suggestions: Whether errors name fields that may have been meant.
    """
    return OrderpulseSchema(limits=limits, introspection=introspection, suggestions=suggestions)
