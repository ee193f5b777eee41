"""The page of settings is made from the settings."""

from __future__ import annotations

from tests.app.settings_page import PAGE, printed_settings, undescribed


def test_every_setting_says_what_it_means() -> None:
    assert undescribed() == []


def test_the_checked_in_page_is_the_printed_one() -> None:
    assert PAGE.read_text("utf-8") == printed_settings(), "run `make docs`"
