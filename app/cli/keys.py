"""Keys that this machine made for itself and keeps beside its data, readable by its owner alone."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from app.settings import Mode

if TYPE_CHECKING:
    from pathlib import Path

    from app.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The secrets of an installation that was given none."""

    secret_key: str
    staff_key: str
    sandbox_secret_key: str
    sandbox_webhook_secret: str


def kept_keys(folder: Path) -> Keys | None:
    """Return the keys kept in a folder, if there are any."""
    try:
        return Keys(**json.loads((folder / "keys.json").read_text()))
    except FileNotFoundError:
        return None


def local_keys(folder: Path) -> Keys:
    """Return the keys kept in a folder; made on first use, the same ever after."""
    path = folder / "keys.json"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = kept_keys(folder)
    if kept is not None:
        return kept
    keys = Keys(
        secret_key=secrets.token_urlsafe(32),
        staff_key=f"opk_{secrets.token_urlsafe(32)}",
        sandbox_secret_key=f"sk_sandbox_{secrets.token_urlsafe(24)}",
        sandbox_webhook_secret=f"whsec_{secrets.token_urlsafe(32)}",
    )
    fresh = path.with_suffix(f".{os.getpid()}")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:  # noqa: PTH123 - needs the mode
        json.dump(asdict(keys), file)
    try:
        # Whoever is first wins; a second process that started beside us takes the first one's keys.
        os.link(fresh, path)
    except FileExistsError:
        return Keys(**json.loads(path.read_text()))
    finally:
        fresh.unlink()
    return keys


def secret_key_of(settings: Settings) -> str:
    """Return the installation's secret: the one of the settings, or this machine's own."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    assert settings.mode is Mode.DEVELOPMENT, "settings refuse production without"  # noqa: S101 - checked there
    return local_keys(settings.data_dir).secret_key
