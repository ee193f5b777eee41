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
    """Shows objects as a call wants them. `what` is what an object is called in messages."""

    def __init__(self, book: Book) -> None:
        reversal: dict[str, Mapping[str, Listed]] = {"charge": book.charges, "payment_intent": book.intents}
        self._expandable: Mapping[str, Mapping[str, Mapping[str, Listed]]] = {
            "payment_intent": {"latest_charge": book.charges, "payment_method": book.methods},
            "charge": {"payment_intent": book.intents},
            "refund": reversal,
            "dispute": reversal,
        }

    def expansion(self, parameters: Parameters, what: str, inside: str = "") -> Expansion:
        """Return what is to be shown whole."""
        return Expansion(parameters.texts("expand"), self._expandable.get(what, {}), inside)

    def one(self, shown: Listed, parameters: Parameters, what: str) -> dict[str, Any]:
        """Show one object."""
        return self.expansion(parameters, what).of(shown.shown())

    def page(self, objects: Iterable[Listed], parameters: Parameters, url: str, what: str) -> dict[str, Any]:
        """Show a page of a list."""
        return page(objects, parameters, url, what, self.expansion(parameters, what, "data."))


def found(objects: Mapping[str, _Object], object_id: str, what: str, *, param: str | None = None) -> _Object:
    """Return the object of that id.

    Raises:
        RefusedError: there is none: 404 where the path names it, 400 where a parameter does.
    """
    if object_id not in objects:
        raise missing(what, object_id, param=param or "id", status=400 if param else 404)
    return objects[object_id]
