"""Stripe is set up by the environment: every option that it has, none that it hasn't."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import pytest

from app.cli.doctor import _gateways as findings
from app.gateway_setup import gateway_settings, gateways_of
from app.gateways.stripe import StripeSettings
from app.settings import Settings, SettingsError, load_settings

KEYS: Final = {"SECRET_KEY": "sk_test_of_the_shop", "PUBLISHABLE_KEY": "pk_test_1"}
WHOLE: Final = {
    **KEYS,
    "WEBHOOK_SECRETS": "whsec_new, whsec_old",
    "API_BASE": "http://127.0.0.1:8123",
    "MINIMAL_PARAMETERS": "true",
    "AUTOMATIC_PAYMENT_METHODS": "false",
    "UPI": "true",
    "EMAIL_RECEIPTS": "true",
    "STATEMENT_DESCRIPTOR_SUFFIX": "TEA & CO",
    "RETURN_URL": "https://shop.example/back",
    "MAX_NETWORK_RETRIES": "0",
}
PATIENCE: Final = {"timeout_seconds", "connect_timeout_seconds", "retry_delay_seconds"}
"""How patient to be is for tests to say, not for who runs a shop."""
PAGE: Final = Path(__file__).parents[2] / "docs" / "gateways" / "stripe.md"


def settings_of(monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> Settings:
    """Read an environment that sets this for Stripe, and nothing for other gateways."""
    for name in WHOLE:
        monkeypatch.delenv(f"ORDERPULSE_STRIPE_{name}", raising=False)
    for name, value in given.items():
        monkeypatch.setenv(f"ORDERPULSE_STRIPE_{name}", value)
    return load_settings()


def test_the_environment_sets_up_every_option(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(monkeypatch, WHOLE)
    plain = gateway_settings(settings_of(monkeypatch, KEYS))["stripe"]

    given = StripeSettings(
        secret_key="sk_test_of_the_shop",
        publishable_key="pk_test_1",
        webhook_secrets=("whsec_new", "whsec_old"),
        api_base="http://127.0.0.1:8123",
        minimal_parameters=True,
        automatic_payment_methods=False,
        upi=True,
        email_receipts=True,
        statement_descriptor_suffix="TEA & CO",
        return_url="https://shop.example/back",
        max_network_retries=0,
    )
    assert gateway_settings(settings)["stripe"] == given
    assert plain == StripeSettings(secret_key=KEYS["SECRET_KEY"], publishable_key="pk_test_1")
    unlike = {
        field.name for field in fields(given) if getattr(given, field.name) != getattr(plain, field.name)
    }
    assert {field.name for field in fields(given)} - unlike == {"secret_key", "publishable_key"} | PATIENCE
    assert "sk_test_of_the_shop" not in f"{settings!r}{given!r}"


def test_settings_adapter_and_page_name_the_same_options() -> None:
    set_by = {name.removeprefix("stripe_") for name in Settings.model_fields if name.startswith("stripe_")}
    known = {field.name for field in fields(StripeSettings)} - PATIENCE
    page = PAGE.read_text()
    told = {
        *re.findall(r"ORDERPULSE_STRIPE_([A-Z_]+)", page),
        *re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE),
    }

    assert set_by == known
    assert {name.lower() for name in told} == known
    assert {name.lower() for name in WHOLE} == known


def test_without_a_key_it_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "stripe" not in gateway_settings(settings_of(monkeypatch, {}))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"SECRET_KEY": "rzp_test_1"}, "secret key"),
        ({"PUBLISHABLE_KEY": "sk_test_1"}, "publishable key"),
        ({"API_BASE": "http://api.stripe.com"}, "API base"),
        ({"RETURN_URL": "javascript:alert(1)"}, "return URL"),
        ({"RETURN_URL": "https://"}, "return URL"),
        ({"STATEMENT_DESCRIPTOR_SUFFIX": "A" * 23}, "statement descriptor"),
        ({"STATEMENT_DESCRIPTOR_SUFFIX": "TEA*CO"}, "statement descriptor"),
        ({"STATEMENT_DESCRIPTOR_SUFFIX": "12345"}, "statement descriptor"),
        ({"STATEMENT_DESCRIPTOR_SUFFIX": "CAFÉ"}, "statement descriptor"),
        ({"SECRET_KEY": "sk_live_1", "MINIMAL_PARAMETERS": "true"}, "Minimal parameters"),
        ({"MAX_NETWORK_RETRIES": "6"}, "MAX_NETWORK_RETRIES"),
        ({"MAX_NETWORK_RETRIES": "-1"}, "MAX_NETWORK_RETRIES"),
    ],
)
def test_what_makes_no_sense_is_said_to_be_wrong(
    monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str], said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        gateways_of(settings_of(monkeypatch, {**KEYS, **wrong}))


@pytest.mark.parametrize(
    ("without", "detail"),
    [
        ("WEBHOOK_SECRETS", "no webhook secret"),
        ("PUBLISHABLE_KEY", "no publishable key"),
        (None, "set up"),
    ],
)
def test_the_doctor_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, without: str | None, detail: str
) -> None:
    given: dict[str, Any] = {name: value for name, value in WHOLE.items() if name != without}

    found = list(findings(settings_of(monkeypatch, given)))

    told = [(finding.detail, finding.wrong) for finding in found if finding.name == "Stripe"]
    assert told == [(detail, detail != "set up")]
