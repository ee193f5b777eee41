"""Stripe's lists: newest first, in pages by the ids at their edges; and objects shown whole where they are only named.

Source: the list parameters of Stripe's library 16.1, read in November 2026; it pages through these lists.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Protocol

from app.simulators.stripe.errors import RefusedError, missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from app.simulators.stripe.parameters import Parameters

PAGING: Final = "limit starting_after ending_before created expand"
LIMIT_MAX: Final = 100
_LIMIT: Final = 10
_BOUNDS: Final[dict[str, Callable[[int, int], bool]]] = {
    "gt": int.__gt__,
    "gte": int.__ge__,
    "lt": int.__lt__,
    "lte": int.__le__,
}
_SECONDS: Final = re.compile(r"[0-9]{1,19}")


class Listed(Protocol):
    """What a list holds."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def created(self) -> int:
        """When it was made, in seconds since 1970."""

    def shown(self) -> dict[str, Any]:
        """Return it as JSON."""


def page(
    objects: Iterable[Listed], parameters: Parameters, url: str, what: str, expand: Expansion
) -> dict[str, Any]:
    """Return a page of `objects`, which are given oldest first."""
    bounds = _bounds(parameters)
    found = [
        each for each in objects if all(_BOUNDS[name](each.created, bound) for name, bound in bounds.items())
    ]
    found.reverse()
    limit = parameters.integer("limit") if "limit" in parameters else _LIMIT
    if limit is None or not 1 <= limit <= LIMIT_MAX:
        raise RefusedError(f"The limit must be from 1 to {LIMIT_MAX}.", param="limit")
    after, before = parameters.text("starting_after"), parameters.text("ending_before")
    if after and before:
        raise RefusedError("You can only use one of starting_after and ending_before.")
    if before:
        newer = found[: _place(found, before, what, "ending_before")]
        shown, more = newer[-limit:], len(newer) > limit
    else:
        older = found[_place(found, after, what, "starting_after") + 1 :] if after else found
        shown, more = older[:limit], len(older) > limit
    data = [expand.of(each.shown()) for each in shown]
    return {"object": "list", "data": data, "has_more": more, "url": url}


class Expansion:
    """What a call asks to be shown whole. `books` holds the objects by what they are called where they are named.

    `inside` is what stands before the name where a list is asked for: `data.`.
    """

    def __init__(
        self, wanted: Sequence[str], books: Mapping[str, Mapping[str, Listed]], inside: str = ""
    ) -> None:
        for path in wanted:
            if not path.startswith(inside) or path.removeprefix(inside) not in books:
                raise RefusedError(f"This property cannot be expanded ({path[:64]}).", param="expand")
        self._wanted = [path.removeprefix(inside) for path in wanted]
        self._books = books

    def of(self, shown: dict[str, Any]) -> dict[str, Any]:
        """Return an object with what was asked for in the place of its id."""
        for name in self._wanted:
            whole = self._books[name].get(shown[name] or "")
            if whole is not None:
                shown = {**shown, name: whole.shown()}
        return shown


def _place(found: Sequence[Listed], object_id: str, what: str, param: str) -> int:
    for place, each in enumerate(found):
        if each.id == object_id:
            return place
    raise missing(what, object_id, param=param, status=400)


def _bounds(parameters: Parameters) -> dict[str, int]:
    try:
        exact = parameters.text("created")
    except RefusedError:
        part = parameters.part("created", " ".join(_BOUNDS))
        return {name: _seconds(part.required(name)) for name in _BOUNDS if part is not None and name in part}
    return {} if exact is None else {"gte": _seconds(exact), "lte": _seconds(exact)}


def _seconds(text: str) -> int:
    if not _SECONDS.fullmatch(text):
        raise RefusedError(f"Invalid integer: {text[:32]}", param="created")
    return int(text)
