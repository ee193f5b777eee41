"""Finding what a call names, and showing it: what all parts of the API need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from app.simulators.stripe.errors import missing
from app.simulators.stripe.listing import Expansion, Listed, page

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from app.simulators.stripe.book import Book
    from app.simulators.stripe.parameters import Parameters

_Object = TypeVar("_Object", bound=Listed)


class Showing:
    """Shows objects as a call wants them."""

    def __init__(self, book: Book) -> None:
        self._books: Mapping[str, Mapping[str, Listed]] = {
            "charge": book.charges,
            "latest_charge": book.charges,
            "payment_intent": book.intents,
            "payment_method": book.methods,
        }

    def expansion(self, parameters: Parameters) -> Expansion:
        """Return what is to be shown whole."""
        return Expansion(parameters.texts("expand"), self._books)

    def one(self, found: Listed, parameters: Parameters) -> dict[str, Any]:
        """Show one object."""
        return self.expansion(parameters).of(found.shown())

    def page(self, objects: Iterable[Listed], parameters: Parameters, url: str, what: str) -> dict[str, Any]:
        """Show a page of a list."""
        return page(objects, parameters, url, what, self.expansion(parameters))


def found(objects: Mapping[str, _Object], object_id: str, what: str, *, param: str | None = None) -> _Object:
    """Return the object of that id.

    Raises:
        RefusedError: there is none: 404 where the path names it, 400 where a parameter does.
    """
    if object_id not in objects:
        raise missing(what, object_id, param=param or "id", status=400 if param else 404)
    return objects[object_id]
