"""Nested parameters as Stripe's clients write them into a form: `metadata[order]=7`, `expand[]=charge`, `a[0]=x`."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl

from app.simulators.stripe.errors import RefusedError

FIELDS_MAX: Final = 1000
DEPTH_MAX: Final = 6
_NAME: Final = re.compile(r"([^\[\]]{1,128})((?:\[[^\[\]]{0,128}\])*)")
_STEP: Final = re.compile(r"\[([^\[\]]*)\]")

Form = dict[str, "str | list[str | Form] | Form"]
_Tree = dict[str, "str | _Tree"]


def parse_form(encoded: str) -> Form:
    """Return what a body or a query says.

    Raises:
        RefusedError: it is too long, or contradicts itself.
    """
    try:
        pairs = parse_qsl(encoded, keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict")
    except ValueError:
        raise RefusedError("Invalid request (the parameters could not be read).") from None
    tree: _Tree = {}
    for name, value in pairs:
        _put(tree, name, value)
    return {name: _listed(value) for name, value in tree.items()}


def _put(tree: _Tree, name: str, value: str) -> None:
    matched = _NAME.fullmatch(name)
    if matched is None:
        raise RefusedError(f"Invalid parameter name: {name[:64]}", param=name[:64])
    steps = [matched[1], *_STEP.findall(matched[2])]
    if len(steps) > DEPTH_MAX:
        raise RefusedError(f"Invalid parameter name: {name[:64]}", param=name[:64])
    for step in steps[:-1]:
        below = tree.setdefault(step, {})
        if isinstance(below, str):
            raise RefusedError("Invalid object", param=matched[1])
        tree = below
    last = steps[-1] or str(len(tree))  # `a[]` adds to what is there
    if isinstance(tree.get(last), dict):
        raise RefusedError(f"Invalid string: {name[:64]}", param=matched[1])
    tree[last] = value


def _listed(value: str | _Tree) -> str | list[str | Form] | Form:
    """Turn what has numbers for names into a list."""
    if isinstance(value, str):
        return value
    if value and all(name.isascii() and name.isdigit() for name in value):
        ordered = sorted(value, key=int)
        return [_item(_listed(value[name])) for name in ordered]
    return {name: _listed(below) for name, below in value.items()}


def _item(value: str | list[str | Form] | Form) -> str | Form:
    if isinstance(value, list):
        raise RefusedError("Invalid array")
    return value
