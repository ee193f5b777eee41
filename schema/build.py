"""The schema, put together, and how its operations are run: from prepared documents, with nothing set up for each."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Final, cast

import strawberry
from graphql import (
    ExecutionResult as CoreResult,
)
from graphql import (
    Executor,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    OperationType,
    Undefined,
    create_source_event_stream,
    execute,
    map_source_to_response_event,
)
from strawberry.execution.is_awaitable import optimized_is_awaitable
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionResult, PreExecutionError
from strawberry.types.graphql import OperationType as AllowedType

from schema.documents import Documents
from schema.errors import OperationKindError, Presenter
from schema.limits import DocumentLimits
from schema.mutations import Mutation
from schema.queries import Query
from schema.scalars import SCALARS
from schema.subscriptions import FollowedEvents, FollowedOrder, Subscription

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from graphql import DocumentNode, GraphQLArgument, GraphQLInputField, GraphQLSchema

    from schema.context import Context
    from schema.documents import Prepared, PreparedOperation

_DEFAULT_LIMITS: Final = DocumentLimits()
_DEFAULT_PRESENTER: Final = Presenter()


@dataclass(frozen=True, slots=True)
class Asked:
    """What is executed, time and again."""

    document: DocumentNode
    operation: PreparedOperation
    variables: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Shareable:
    """A subscription that all who ask for the same, and may see as much, have executed together."""

    source: FollowedOrder | FollowedEvents
    asked: Asked


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
        presenter: Presenter = _DEFAULT_PRESENTER,
    ) -> None:
        super().__init__(
            query=Query,
            mutation=Mutation,
            subscription=Subscription,
            config=StrawberryConfig(scalar_map=SCALARS),
        )
        _leave_out_null_defaults(self._schema)
        self.documents = Documents(self._schema, limits, introspection=introspection, suggestions=suggestions)
        self.presenter = presenter
        self._hide_suggestions = not suggestions

    async def execute(
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
        told = _Told(context)
        try:
            begun = await self._begin(query or "", operation_name, allowed_operation_types, context, told)
            if isinstance(begun, PreExecutionError):
                return begun
            return told.of(await self._execute(*begun, variable_values, context, root_value))
        finally:
            told.end()

    async def stream(
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
        del operation_extensions, root_value
        context = _given(context_value)
        results = self.results(query or "", variable_values, context, operation_name, allowed_operation_types)
        return cast("AsyncGenerator[ExecutionResult, None]", results)

    async def results(
        self,
        query: str,
        variables: dict[str, Any] | None,
        context: Context,
        operation_name: str | None,
        allowed: Iterable[AllowedType] | None = None,
        *,
        shares: bool = False,
    ) -> AsyncGenerator[ExecutionResult | Shareable, None]:
        """Yield the results of an operation; instead of a subscription's, if `shares`, what can be shared of it.

        Raises:
            BadRequestError, RateLimitedError: as `execute`.
        """
        told = _Told(context)
        try:
            begun = await self._begin(query, operation_name, allowed, context, told)
            if isinstance(begun, PreExecutionError):
                yield begun
                return
            document, operation = begun
            if operation.type is not OperationType.SUBSCRIPTION:
                yield told.of(await self._execute(document, operation, variables, context, None))
                return
            results = self._subscribe(document, operation, variables, context, shares=shares)
            async with aclosing(results):
                async for result in results:
                    told.note(result)
                    yield result
        finally:
            told.end()

    async def _begin(
        self,
        text: str,
        operation_name: str | None,
        allowed: Iterable[AllowedType] | None,
        context: Context,
        told: _Told,
    ) -> tuple[DocumentNode, PreparedOperation] | PreExecutionError:
        """Return what is to be run, counted for its caller; or why the document can't be."""
        prepared = await self._prepare(text, context, told)
        if prepared.document is None:
            errors = [self.presenter.present(error) for error in prepared.errors]
            return PreExecutionError(data=None, errors=errors)
        operation = prepared.operation(operation_name)
        await self._admit(operation, allowed, context, told)
        return prepared.document, operation

    async def _prepare(self, text: str, context: Context, told: _Told) -> Prepared:
        """Return the document, whose preparing is counted for the caller unless it was prepared before."""
        prepared = self.documents.known(text)
        if prepared is None:
            cost = self.documents.cost_of_preparing(text)
            await context.services.rates.spend(context.caller, context.address, values=cost)
            prepared = self.documents.prepare(text)
        told.kind = prepared.kind
        return prepared

    async def _admit(
        self,
        operation: PreparedOperation,
        allowed: Iterable[AllowedType] | None,
        context: Context,
        told: _Told,
    ) -> None:
        """Count an operation for its caller, if it may be run here at all."""
        told.kind = operation.type.value
        if allowed is not None and AllowedType(told.kind) not in allowed:
            raise OperationKindError(told.kind)
        await context.services.rates.spend(
            context.caller, context.address, values=operation.cost, mutations=operation.fields
        )

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
            is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type]  # narrower than Strawberry says
            hide_suggestions=self._hide_suggestions,
        )
        return self._shown(await result if isawaitable(result) else result)

    async def _subscribe(
        self,
        document: DocumentNode,
        operation: PreparedOperation,
        variables: dict[str, Any] | None,
        context: Context,
        *,
        shares: bool,
    ) -> AsyncGenerator[ExecutionResult | Shareable, None]:
        executor = (self.execution_context_class or Executor).build(
            self._schema,
            document,
            context_value=context,
            raw_variable_values=variables,
            operation_name=operation.name,
            hide_suggestions=self._hide_suggestions,
        )
        if isinstance(executor, list):
            yield self._unstarted(CoreResult(data=None, errors=executor))
            return
        created = create_source_event_stream(executor)
        source = await created if isawaitable(created) else created
        if isinstance(source, CoreResult):
            yield self._unstarted(source)
            return
        if shares and isinstance(source, FollowedOrder | FollowedEvents):
            yield Shareable(source, Asked(document, operation, variables))
            return
        results = map_source_to_response_event(executor, source)
        try:
            async with aclosing(results):
                async for result in results:
                    yield self._shown(result)
        except Exception as error:  # noqa: BLE001 - a stream that breaks says so to its subscriber
            broken = GraphQLError(str(error), original_error=error)
            yield self._shown(CoreResult(data=None, errors=[broken]))

    async def answer(self, asked: Asked, source: object, context: Context) -> ExecutionResult:
        """Execute a subscription for one thing that has come."""
        return await self._execute(asked.document, asked.operation, asked.variables, context, source)

    def _unstarted(self, result: CoreResult) -> PreExecutionError:
        return PreExecutionError(data=None, errors=self._shown(result).errors)

    def _shown(self, result: CoreResult) -> ExecutionResult:
        """Put what callers may see in place of what happened; the log gets what nobody expected."""
        errors = [self.presenter.present(error) for error in result.errors] if result.errors else None
        return ExecutionResult(data=result.data, errors=errors)


class _Told:
    """What is counted of an operation, whatever becomes of it."""

    def __init__(self, context: Context) -> None:
        self._figures = context.services.metrics
        self._failed = True
        self.kind = "unreadable"

    def of(self, result: ExecutionResult) -> ExecutionResult:
        """Note how an operation does."""
        self._failed = bool(result.errors)
        return result

    def note(self, result: ExecutionResult | Shareable) -> None:
        """Note how a subscription does."""
        self._failed = isinstance(result, ExecutionResult) and bool(result.errors)

    def end(self) -> None:
        """Count it."""
        self._figures.operation(self.kind, failed=self._failed)


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
    *,
    limits: DocumentLimits = _DEFAULT_LIMITS,
    introspection: bool = True,
    suggestions: bool = True,
    presenter: Presenter = _DEFAULT_PRESENTER,
) -> OrderpulseSchema:
    """Return a schema that is ready to run.

    Args:
        limits: The most that one document may ask for.
        introspection: Whether the schema may be asked for itself.
        suggestions: Whether errors name fields that may have been meant.
        presenter: Shows callers what went wrong.
    """
    return OrderpulseSchema(
        limits=limits, introspection=introspection, suggestions=suggestions, presenter=presenter
    )
