"""The schema, put together, and how its operations are run: from prepared documents, with nothing set up for each."""

from __future__ import annotations

from contextlib import aclosing
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Final

import strawberry
from graphql import (
    ExecutionResult as CoreResult,
)
from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    OperationType,
    Undefined,
    execute,
    subscribe,
)
from strawberry.execution.is_awaitable import optimized_is_awaitable
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionResult, PreExecutionError
from strawberry.types.graphql import OperationType as AllowedType

from schema.documents import Documents
from schema.errors import present
from schema.limits import DocumentLimits
from schema.mutations import Mutation
from schema.queries import Query
from schema.requests import BadRequestError
from schema.scalars import SCALARS
from schema.subscriptions import Subscription

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from graphql import DocumentNode, GraphQLArgument, GraphQLInputField, GraphQLSchema

    from schema.context import Context
    from schema.documents import PreparedOperation

_DEFAULT_LIMITS: Final = DocumentLimits()
_ALL_TYPES: Final = frozenset(AllowedType)


class OrderpulseSchema(strawberry.Schema):
    """Strawberry's types under our own way of running operations.

    Strawberry would set up a pipeline of context managers for each operation; here a prepared document goes straight to
    graphql-core.
    """

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
            config=StrawberryConfig(scalar_map=SCALARS),
        )
        _leave_out_null_defaults(self._schema)
        self.documents = Documents(
            self._schema, limits, introspection=introspection, suggestions=suggestions
        )
        self._hide_suggestions = not suggestions

    async def execute(  # noqa: PLR0917 - Strawberry's signature
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Context | None = None,
        root_value: object = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[AllowedType] | None = None,
        operation_extensions: dict[str, Any] | None = None,
    ) -> ExecutionResult:
        """Run a query or a mutation.

        Raises:
            BadRequestError: the document has no such operation, or it is of a kind that isn't run here.
            RateLimitedError: the caller has to wait.
        """
        del operation_extensions  # none is known here
        context = _given(context_value)
        kind, failed = "unreadable", True
        try:
            found = await self._find(query or "", operation_name, allowed_operation_types, context)
            if isinstance(found, PreExecutionError):
                return found
            document, operation = found
            kind = operation.type.value
            result = await self._execute(document, operation, variable_values, context, root_value)
            failed = bool(result.errors)
            return result
        finally:
            context.services.metrics.operation(kind, failed=failed)

    async def stream(  # type: ignore[override]  # noqa: PLR0917 - Strawberry's signature, without increments
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Context | None = None,
        root_value: object = None,
        operation_name: str | None = None,
        operation_extensions: dict[str, Any] | None = None,
        allowed_operation_types: Iterable[AllowedType] | None = None,
    ) -> AsyncGenerator[ExecutionResult, None]:
        """Run an operation of any kind, and return its results: one, or a subscription's.

        While they are read, BadRequestError and RateLimitedError are raised as by `execute`.
        """
        del operation_extensions
        return self._stream(
            query or "",
            variable_values,
            _given(context_value),
            root_value,
            operation_name,
            allowed_operation_types,
        )

    async def _stream(  # noqa: PLR0917 - as they came
        self,
        query: str,
        variables: dict[str, Any] | None,
        context: Context,
        root_value: object,
        operation_name: str | None,
        allowed: Iterable[AllowedType] | None,
    ) -> AsyncGenerator[ExecutionResult, None]:
        kind, failed = "unreadable", True
        try:
            found = await self._find(query, operation_name, allowed, context)
            if isinstance(found, PreExecutionError):
                yield found
                return
            document, operation = found
            kind = operation.type.value
            if operation.type is not OperationType.SUBSCRIPTION:
                result = await self._execute(document, operation, variables, context, root_value)
                failed = bool(result.errors)
                yield result
                return
            async with aclosing(
                self._subscribe(document, operation, variables, context, root_value)
            ) as results:
                async for result in results:
                    failed = bool(result.errors)
                    yield result
        finally:
            context.services.metrics.operation(kind, failed=failed)

    async def _find(
        self, text: str, name: str | None, allowed: Iterable[AllowedType] | None, context: Context
    ) -> tuple[DocumentNode, PreparedOperation] | PreExecutionError:
        """Return what is to be run, after it was counted for the caller, or why it is refused."""
        rates = context.services.rates
        prepared = self.documents.known(text)
        if prepared is None:
            await rates.spend(context.caller, context.address, values=self.documents.cost_of_preparing(text))
            prepared = self.documents.prepare(text)
        if prepared.document is None:
            return PreExecutionError(data=None, errors=list(prepared.errors))
        operation = prepared.operation(name)
        if AllowedType(operation.type.value) not in (_ALL_TYPES if allowed is None else allowed):
            raise BadRequestError(400, f"A {operation.type.value} can't be run here.")
        await rates.spend(
            context.caller, context.address, values=operation.cost, mutations=operation.fields
        )
        return prepared.document, operation

    async def _execute(
        self,
        document: DocumentNode,
        operation: PreparedOperation,
        variables: dict[str, Any] | None,
        context: Context,
        root_value: object,
    ) -> ExecutionResult:
        result = execute(
            self._schema,
            document,
            root_value=root_value,
            context_value=context,
            variable_values=variables,
            operation_name=operation.name,
            executor_class=self.execution_context_class,
            is_awaitable=optimized_is_awaitable,
            hide_suggestions=self._hide_suggestions,
        )
        return self._shown(await result if isawaitable(result) else result)

    async def _subscribe(
        self,
        document: DocumentNode,
        operation: PreparedOperation,
        variables: dict[str, Any] | None,
        context: Context,
        root_value: object,
    ) -> AsyncGenerator[ExecutionResult, None]:
        source = subscribe(
            self._schema,
            document,
            root_value=root_value,
            context_value=context,
            variable_values=variables,
            operation_name=operation.name,
            executor_class=self.execution_context_class,
            hide_suggestions=self._hide_suggestions,
        )
        results = await source if isawaitable(source) else source
        if isinstance(results, CoreResult):
            yield PreExecutionError(data=None, errors=self._shown(results).errors)
            return
        try:
            async with aclosing(results):  # type: ignore[type-var]  # graphql-core's iterators can be closed
                async for result in results:
                    yield self._shown(result)
        except Exception as error:  # noqa: BLE001 - a stream that breaks says so to its subscriber
            broken = GraphQLError(str(error), original_error=error)
            yield self._shown(CoreResult(data=None, errors=[broken]))

    def _shown(self, result: CoreResult) -> ExecutionResult:
        """Put what callers may see in place of what happened; the log gets what nobody expected."""
        errors = [present(error) for error in result.errors] if result.errors else None
        return ExecutionResult(data=result.data, errors=errors)


def _given(context: Context | None) -> Context:
    assert context is not None, "operations are run for somebody"  # noqa: S101 - Strawberry's signature allows it
    return context


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
