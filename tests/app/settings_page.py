"""docs/settings.md, made from `app.settings`: `python -m tests.app.settings_page` writes it."""

from __future__ import annotations

import ast
import inspect
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from app.settings import Settings
from app.settings.fields import PREFIX
from app.settings.gateways import GatewaySettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

PAGE: Final = Path(__file__).parents[2] / "docs" / "settings.md"
_INTRODUCTION: Final = """\
# Settings

All come from the environment. Lists are written with commas between. A secret may come from a file instead:
`ORDERPULSE_SECRET_KEY_FILE=/run/secrets/secret_key` stands for `ORDERPULSE_SECRET_KEY`. `orderpulse doctor` says what
is wrong with them; what is needed in production is in [going live](guides/going-live.md).

This page is made from `app/settings` (`make docs`)."""
_TITLES: Final = {
    "": "The server",
    "jwt": "JWT",
    "rate": "Rates",
    "stripe": "Stripe",
    "razorpay": "Razorpay",
    "paytm": "Paytm",
    "paypal": "PayPal",
    "sandbox": "Sandbox",
}


def printed_settings() -> str:
    """Return the page."""
    said = _docstrings()
    sections: dict[str, list[str]] = {title: [] for title in _TITLES.values()}
    for name, field in Settings.model_fields.items():
        group = name.partition("_")[0]
        line = f"| `{_variable(name)}` | {_default(field)} | {said[name]} |"
        sections[_TITLES.get(group, _TITLES[""])].append(line)
    head = "| Setting | Unless set | Meaning |\n|---|---|---|"
    parts = [f"## {title}\n\n{head}\n" + "\n".join(lines) for title, lines in sections.items()]
    return "\n\n".join([_INTRODUCTION, *parts]) + "\n"


def undescribed() -> list[str]:
    """Return the settings that nothing is said of."""
    return sorted(set(Settings.model_fields) - set(_docstrings()))


def _docstrings() -> dict[str, str]:
    """Return what the source says below each setting."""
    said: dict[str, str] = {}
    for part in (Settings, GatewaySettings):
        (definition,) = ast.parse(inspect.getsource(part)).body
        assert isinstance(definition, ast.ClassDef)
        said |= _described(definition)
    return said


def _described(definition: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, said in zip(definition.body, definition.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(said, ast.Expr)
            and isinstance(said.value, ast.Constant)
        ):
            yield field.target.id, " ".join(str(said.value.value).split())


def _variable(name: str) -> str:
    return "DATABASE_URL" if name == "database_url" else f"{PREFIX}{name.upper()}"


def _default(field: FieldInfo) -> str:
    value = field.default
    if isinstance(value, tuple):
        value = ",".join(value)
    if value is PydanticUndefined or value is None or value == "":
        return ""
    assert not isinstance(value, SecretStr)
    shown = value.value if isinstance(value, StrEnum) else value
    return f"`{str(shown).lower() if isinstance(shown, bool) else shown}`"


if __name__ == "__main__":
    PAGE.write_text(printed_settings(), encoding="utf-8")
