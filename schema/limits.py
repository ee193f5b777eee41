"""What a document may ask for, weighed before it is validated or run.

Each fragment is weighed once and its weight reused wherever it is spread, so the work is linear in the document's
length however often fragments name each other, and a document of many terabytes' worth of answer is refused in
microseconds. What an operation weighs is also what it counts for in the rates.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    get_named_type,
)

from app.domain.errors import ErrorCode
from app.views import PAGE_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graphql import (
        DocumentNode,
        GraphQLField,
        GraphQLNamedType,
        GraphQLSchema,
        SelectionNode,
        SelectionSetNode,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLimits:
    """The most that one document may ask for."""

    characters_max: int = 32_768
    tokens_max: int = 1_000
    depth_max: int = 12
    """Fields inside fields; introspection is bounded by graphql-core's own rule."""
    fields_max: int = 500
    """Fields, with every spread of a fragment counted."""
    repeats_max: int = 5
    """The same name in one selection: validation compares each pair of them, so their number counts squared."""
    aliases_max: int = 30
    directives_max: int = 50
    fragments_max: int = 20
    cost_max: int = 50_000
    """Values in the answer, as far as the document tells: what is inside a page counts as often as the page is long."""
    list_length: int = 4
    """How long a list without a page size is taken to be."""


_NESTING_MAX: Final = 100
"""Selection sets inside each other, fragments included: what Python's stack bears with ease."""
_PAGES: Final = frozenset({"edges", "nodes"})


@dataclass(slots=True)
class _Weight:
    depth: int = 0
    fields: int = 0
    aliases: int = 0
    cost: int = 0
    names: Counter[str] = field(default_factory=Counter)
    """How often each name comes at the top of what was weighed."""

    def add(self, other: _Weight) -> None:
        """Count what stands beside."""
        self.depth = max(self.depth, other.depth)
        self.fields += other.fields
        self.aliases += other.aliases
        self.cost += other.cost
        self.names.update(other.names)


def weigh(schema: GraphQLSchema, document: DocumentNode, limits: DocumentLimits) -> dict[str, int]:
    """Return what each operation weighs, by its name (nothing for one without): the values in its answer, about.

    The document need not be valid: what makes no sense weighs nothing.

    Raises:
        GraphQLError: it asks for more than it may; the message says of what.
    """
    return _Scale(schema, document, limits).weigh_all()


class _Scale:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, limits: DocumentLimits) -> None:
        self._schema = schema
        self._limits = limits
        self._directives = 0
        self._operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
        fragments = [d for d in document.definitions if isinstance(d, FragmentDefinitionNode)]
        _bound("fragments", len(fragments), limits.fragments_max)
        self._fragments = {fragment.name.value: fragment for fragment in fragments}
        self._known: dict[str, _Weight] = {}

    def weigh_all(self) -> dict[str, int]:
        for name in self._fragments:
            self._fragment(name, 0)
        weights = {}
        for operation in self._operations:
            self._count_directives(operation.directives)
            root = self._schema.get_root_type(operation.operation)
            weight = self._selections(operation.selection_set, root, 0)
            self._check(weight)
            weights[operation.name.value if operation.name else ""] = weight.cost
        return weights

    def _check(self, weight: _Weight) -> None:
        limits = self._limits
        _bound("levels of fields", weight.depth, limits.depth_max)
        _bound("fields", weight.fields, limits.fields_max)
        _bound("aliases", weight.aliases, limits.aliases_max)
        _bound("values in the answer, going by page sizes,", weight.cost, limits.cost_max)

    def _selections(
        self, selection_set: SelectionSetNode, parent: GraphQLNamedType | None, nesting: int
    ) -> _Weight:
        _bound("selections inside each other", nesting, _NESTING_MAX)
        total = _Weight()
        for selection in selection_set.selections:
            total.add(self._selection(selection, parent, nesting))
        _bound(
            "fields of one name beside each other",
            max(total.names.values(), default=0),
            self._limits.repeats_max,
        )
        return total

    def _selection(self, selection: SelectionNode, parent: GraphQLNamedType | None, nesting: int) -> _Weight:
        self._count_directives(selection.directives)
        if isinstance(selection, FragmentSpreadNode):
            return self._fragment(selection.name.value, nesting + 1)
        if isinstance(selection, InlineFragmentNode):
            condition = selection.type_condition
            inner = self._schema.get_type(condition.name.value) if condition else parent
            return self._selections(selection.selection_set, inner, nesting + 1)
        assert isinstance(selection, FieldNode), "there are three kinds of selections"  # noqa: S101 - by the spec
        return self._field(selection, parent, nesting)

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None, nesting: int) -> _Weight:
        name = node.name.value
        shown = Counter((node.alias.value if node.alias else name,))
        weight = _Weight(depth=1, fields=1, aliases=1 if node.alias else 0, cost=1, names=shown)
        if node.selection_set is None:
            return weight
        definition = _field_of(parent, name)
        type_ = get_named_type(definition.type) if definition else None
        inner = self._selections(node.selection_set, type_, nesting + 1)
        weight.fields += inner.fields
        weight.aliases += inner.aliases
        if not name.startswith("__"):
            weight.depth += inner.depth
            weight.cost += inner.cost * self._times(node, definition)
        return weight

    def _times(self, node: FieldNode, field: GraphQLField | None) -> int:
        """Return how often what is inside a field is taken to come in the answer."""
        if field is None or node.name.value in _PAGES:
            return 1
        if "first" not in field.args:
            return self._limits.list_length if _is_list(field) else 1
        given = next((a.value for a in node.arguments or () if a.name.value == "first"), None)
        if given is None:
            default = field.args["first"].default_value
            return default if isinstance(default, int) else PAGE_MAX
        if isinstance(given, IntValueNode) and len(given.value) <= len(str(PAGE_MAX)):
            return min(max(int(given.value), 1), PAGE_MAX)
        return PAGE_MAX

    def _fragment(self, name: str, nesting: int) -> _Weight:
        known = self._known.get(name)
        if known is not None:
            return known
        definition = self._fragments.get(name)
        if definition is None:
            return _Weight()
        self._known[name] = _Weight()  # a fragment inside itself: validation names it
        self._count_directives(definition.directives)
        condition = self._schema.get_type(definition.type_condition.name.value)
        weight = self._selections(definition.selection_set, condition, nesting + 1)
        self._known[name] = weight
        return weight

    def _count_directives(self, directives: Iterable[object] | None) -> None:
        self._directives += len(tuple(directives or ()))
        _bound("directives", self._directives, self._limits.directives_max)


def _field_of(parent: GraphQLNamedType | None, name: str) -> GraphQLField | None:
    if isinstance(parent, (GraphQLObjectType, GraphQLInterfaceType)):
        field: GraphQLField | None = parent.fields.get(name)
        return field
    return None


def _is_list(field: GraphQLField) -> bool:
    type_ = field.type
    return isinstance(type_.of_type if isinstance(type_, GraphQLNonNull) else type_, GraphQLList)


def _bound(what: str, count: int, count_max: int) -> None:
    if count > count_max:
        raise GraphQLError(
            f"The document asks for too many {what}: at most {count_max}. Ask in smaller parts.",
            extensions={"code": ErrorCode.INVALID},
        )
