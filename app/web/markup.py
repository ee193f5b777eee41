"""HTML by function calls, apart so that escaping happens in one place and can't be forgotten.

Every text is escaped; only what `element` and `join` return counts as markup already.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_VOID_TAGS: Final = frozenset({"img", "link", "meta"})


class Markup(str):
    """Text that is HTML already. Made by this module only."""

    __slots__ = ()


def element(tag: str, *children: str, **attributes: str | bool | None) -> Markup:
    """Return one element with its children inside.

    Attribute names are written as in Python: `class_`, `aria_live`, `data_tone`. `True` writes the bare
    name; `None` and `False` leave the attribute out.
    """
    opening = tag + "".join(_attribute(name, value) for name, value in attributes.items())
    if tag in _VOID_TAGS:
        return Markup(f"<{opening}>")
    return Markup(f"<{opening}>{join(children)}</{tag}>")


def style(css: str) -> Markup:
    """Return a style element. Browsers take its text as it is, so nothing is escaped; it is ours, not a caller's."""
    if "</" in css:
        raise ValueError("this style would end its element")
    return Markup(f"<style>{css}</style>")


def join(children: Iterable[str]) -> Markup:
    """Return the children one after the other, texts among them escaped."""
    return Markup("".join(child if isinstance(child, Markup) else html.escape(child) for child in children))


def _attribute(name: str, value: str | bool | None) -> str:
    name = name.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{html.escape(value, quote=True)}"'
