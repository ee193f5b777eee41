"""Documents made ready to run: parsed, weighed and validated once, and remembered by their text."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    parse,
    specified_rules,
    validate,
    visit,
)

from app.domain.errors import ErrorCode
from schema.errors import BadRequestError
from schema.limits import weigh
from schema.remembered import Remembered

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import DocumentNode, GraphQLSchema, SelectionSetNode

    from schema.limits import DocumentLimits

REMEMBERED_MAX: Final = 1_000
REMEMBERED_CHARACTERS_MAX: Final = 262_144
"""Of all remembered texts together. A tree takes some 60 to 120 bytes a character, so that all take 30 MB at most."""
REFUSED_MAX: Final = 200
"""Refused documents are remembered apart, without their trees: they can't push out those that shoppers use."""
REFUSED_CHARACTERS_MAX: Final = 1_048_576

_UNREADABLE: Final = "unreadable"
_CURSOR: Final = "after"
_DEFINED_AND_USED: Final = 2

ERRORS_MAX: Final = 20
"""A document with more faults than this is not read to its end."""
MESSAGE_CHARACTERS_MAX: Final = 500
"""Messages quote the document, which may be long."""
CHARACTERS_A_VALUE: Final = 16
"""Of a text to be prepared, what counts as much as a value in an answer: both take some microseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedOperation:
    """One operation of a document."""

    name: str | None
    type: OperationType
    cost: int
    """The values in its answer, about: what it counts for in the rates."""
    fields: Mapping[str, int]
    """What a mutation does, and how often; empty for other operations."""
    cursor: str | None = None
    """The variable that only says where a subscription begins: its executions don't depend on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A parsed and validated document, or the reasons why it can't be run."""

    document: DocumentNode | None
    errors: tuple[GraphQLError, ...]
    operations: Mapping[str, PreparedOperation]
    kind: str
    """What its first operation is, or `unreadable`."""

    def operation(self, name: str | None) -> PreparedOperation:
        """Return the operation of a name, or the only one.

        Raises:
            BadRequestError: there is none, or which one is not told.
        """
        if name:
            found = self.operations.get(name)
            if found is None:
                raise BadRequestError(400, f'Unknown operation named "{shortened(name)}".')
            return found
        if len(self.operations) != 1:
            raise BadRequestError(
                400, "Send `operationName`: the document does not have exactly one operation."
            )
        return next(iter(self.operations.values()))


class Documents:
    """The documents of one schema. The rules are chosen once: rules made anew would defeat any memory."""

    def __init__(
        self, schema: GraphQLSchema, limits: DocumentLimits, *, introspection: bool, suggestions: bool = True
    ) -> None:
        self._schema = schema
        self._limits = limits
        self._suggestions = suggestions
        self._rules = (*specified_rules, *(() if introspection else (NoSchemaIntrospectionCustomRule,)))
        self._remembered = Remembered[Prepared](
            entries_max=REMEMBERED_MAX, characters_max=REMEMBERED_CHARACTERS_MAX
        )
        self._refused = Remembered[Prepared](entries_max=REFUSED_MAX, characters_max=REFUSED_CHARACTERS_MAX)

    def known(self, text: str) -> Prepared | None:
        """Return a document that was prepared before, if it is remembered."""
        return self._remembered.get(text) or self._refused.get(text)

    def prepare(self, text: str) -> Prepared:
        """Return a document ready to run, or why it is refused."""
        return self.known(text) or self._prepare(text)

    def cost_of_preparing(self, text: str) -> int:
        """Return what it counts for in the rates to prepare a text that isn't remembered."""
        return min(len(text), self._limits.characters_max) // CHARACTERS_A_VALUE + 1

    def _prepare(self, text: str) -> Prepared:
        try:
            prepared = self._judge(text)
        except GraphQLError as error:
            prepared = _refusal([error], _UNREADABLE)
        if prepared.errors:
            if len(text) <= self._limits.characters_max:
                self._refused.put(text, prepared, len(text))
        else:
            self._remembered.put(text, prepared, len(text))
        return prepared

    def _judge(self, text: str) -> Prepared:
        if len(text) > self._limits.characters_max:
            raise GraphQLError(
                f"A document has at most {self._limits.characters_max} characters. Send values as variables.",
                extensions={"code": ErrorCode.INVALID},
            )
        document = parse(text, max_tokens=self._limits.tokens_max)
        kind = _kind_of(document)
        try:
            costs = weigh(self._schema, document, self._limits)
        except GraphQLError as error:
            return _refusal([error], kind)
        errors = validate(
            self._schema, document, self._rules, ERRORS_MAX, hide_suggestions=not self._suggestions
        )
        if errors:
            return _refusal(errors, kind)
        return Prepared(document=document, errors=(), operations=_operations(document, costs), kind=kind)


def shortened(message: str) -> str:
    """Return a message no longer than an answer should be."""
    return message if len(message) <= MESSAGE_CHARACTERS_MAX else message[:MESSAGE_CHARACTERS_MAX] + "…"


def _kind_of(document: DocumentNode) -> str:
    operations = (each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    return next((operation.operation.value for operation in operations), _UNREADABLE)


def _refusal(errors: list[GraphQLError], kind: str) -> Prepared:
    return Prepared(document=None, errors=tuple(map(_without_tree, errors)), operations={}, kind=kind)


def _without_tree(error: GraphQLError) -> GraphQLError:
    """Return the error by itself: the document's tree and text, which it holds, need not be kept for it."""
    bare = GraphQLError(shortened(error.message), extensions=error.extensions)
    bare.locations = error.locations
    return bare


def _operations(document: DocumentNode, costs: Mapping[str, int]) -> dict[str, PreparedOperation]:
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    operations = {}
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            name = definition.name.value if definition.name else None
            is_mutation = definition.operation is OperationType.MUTATION
            operations[name or ""] = PreparedOperation(
                name=name,
                type=definition.operation,
                cost=costs[name or ""],
                fields=Counter(_fields(definition.selection_set, fragments)) if is_mutation else {},
                cursor=_cursor(document, definition),
            )
    return operations


def _cursor(document: DocumentNode, definition: OperationDefinitionNode) -> str | None:
    """Return the variable that is a subscription's `after`, if it is nothing else in the document."""
    field = definition.selection_set.selections[0]
    if definition.operation is not OperationType.SUBSCRIPTION or not isinstance(field, FieldNode):
        return None
    after = next((each.value for each in field.arguments or () if each.name.value == _CURSOR), None)
    if not isinstance(after, VariableNode):
        return None
    name = after.name.value
    found = _Variables()
    visit(document, found)
    return name if found.times[name] == _DEFINED_AND_USED else None


class _Variables(Visitor):
    """Counts how often each variable is written."""

    def __init__(self) -> None:
        super().__init__()
        self.times: Counter[str] = Counter()

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        self.times[node.name.value] += 1


def _fields(
    selection_set: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Iterator[str]:
    """Yield the names of the fields at the top of a valid document's selections, each as often as it comes."""
    for selection in selection_set.selections:
        if isinstance(selection, FieldNode):
            yield selection.name.value
        elif isinstance(selection, FragmentSpreadNode):
            yield from _fields(fragments[selection.name.value].selection_set, fragments)
        elif isinstance(selection, InlineFragmentNode):
            yield from _fields(selection.selection_set, fragments)
