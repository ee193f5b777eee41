"""The web component's words in other languages: for every text, and none left over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
TRACKER: Final = ROOT / "web/src/tracker"
LANGUAGES: Final = sorted(path.name.split(".")[1] for path in TRACKER.glob("words.*.json"))
OWN_TEXTS: Final = {"Order", "This order cannot be followed from here"}
"""What only the component says."""


@pytest.fixture(scope="module")
def english() -> set[str]:
    """Return every text that the component shows."""
    words = json.loads((ROOT / "app/web/words.json").read_text("utf-8"))
    labels = {row["label"] for name in ("steps", "stops") for row in words[name]}
    headlines = {row[part] for row in words["headlines"] for part in ("headline", "detail")}
    return labels | headlines | set(words["connection"].values()) | OWN_TEXTS


def test_the_component_knows_the_languages_that_have_words() -> None:
    known = f"/^({'|'.join(LANGUAGES)})\\b/"

    assert f"const LANGUAGES = {known};" in (TRACKER / "languages.ts").read_text("utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated_and_none_is_left_over(language: str, english: set[str]) -> None:
    words = json.loads((TRACKER / f"words.{language}.json").read_text("utf-8"))

    assert set(words) == english
    assert [text for text, translated in words.items() if not translated or translated == text] == []


def test_what_only_the_component_says_is_said_there() -> None:
    source = (TRACKER / "order-tracker.ts").read_text("utf-8")

    assert {text for text in OWN_TEXTS if f"say('{text}')" not in source} == set()
