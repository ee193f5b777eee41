"""HTML from templates in which every value is escaped unless it is markup already."""

from __future__ import annotations

import html
from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Markup(str):
    """Text that is HTML already. Made by this module only."""

    __slots__ = ()


def fill(template: str, **values: str) -> Markup:
    """Return a template with its `$names` replaced; each needs a value."""
    safe = {
        name: value if isinstance(value, Markup) else html.escape(value) for name, value in values.items()
    }
    return Markup(Template(template).substitute(safe))


def join(parts: Iterable[Markup]) -> Markup:
    """Return pieces of markup one after the other."""
    return Markup("".join(parts))


NOTHING = Markup("")
