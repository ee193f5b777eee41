"""Copies of wide frozen rows with other values: what `dataclasses.replace` does, for less than half of its time.

Every settled payment copies its facts, its payment and its order. `replace` hands each field through the initialiser
by name; here the slots are copied one by one, which is safe for dataclasses with slots and nothing to do after
their initialisation.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Row = TypeVar("_Row")


def copy_with(row: _Row, **values: Any) -> _Row:  # noqa: ANN401 - the row's own fields
    """Return a copy of the row with these values.

    Raises:
        TypeError: the row has no such field.
    """
    kind: type[Any] = type(row)
    slots = _slots_of(kind)  # type: ignore[arg-type]  # classes are hashable
    if not values.keys() <= slots.keys():
        raise TypeError(f"{kind.__name__} has no {', '.join(sorted(values.keys() - slots.keys()))}.")
    copy: _Row = object.__new__(kind)
    for name, (read, write) in slots.items():
        write(copy, values[name] if name in values else read(row))
    return copy


@cache
def _slots_of(kind: type) -> dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], None]]]:
    """Return how each slot of a class is read and written."""
    assert not hasattr(kind, "__post_init__"), "nothing happens after the initialiser"  # noqa: S101 - see above
    found = vars(kind)
    return {name: (found[name].__get__, found[name].__set__) for name in found["__slots__"]}
