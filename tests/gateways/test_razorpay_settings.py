"""Razorpay is set up by the environment, and the doctor says what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from app.cli.doctor import _gateways as findings
from app.gateway_setup import gateway_settings, gateways_of
from app.gateways.razorpay import RazorpaySettings
from app.settings import SettingsError, load_settings

if TYPE_CHECKING:
    from app.settings import Settings

KEY: Final = {"KEY_ID": "rzp_test_1", "KEY_SECRET": "secret-of-the-key"}
WHOLE: Final = {**KEY, "WEBHOOK_SECRETS": "new, old", "API_BASE": "http://127.0.0.1:8123"}


def settings_of(monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> Settings:
    """Read an environment that sets this for Razorpay, and nothing for other gateways."""
    for name in ("STRIPE_SECRET_KEY", "SANDBOX_URL", *(f"RAZORPAY_{name}" for name in WHOLE)):
        monkeypatch.delenv(f"ORDERPULSE_{name}", raising=False)
    for name, value in given.items():
        monkeypatch.setenv(f"ORDERPULSE_RAZORPAY_{name}", value)
    return load_settings()


def test_the_environment_sets_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(monkeypatch, WHOLE)

    assert gateway_settings(settings)["razorpay"] == RazorpaySettings(
        key_id="rzp_test_1",
        key_secret="secret-of-the-key",
        webhook_secrets=("new", "old"),
        api_base="http://127.0.0.1:8123",
    )
    assert "secret-of-the-key" not in repr(settings)


def test_without_a_key_it_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "razorpay" not in gateway_settings(settings_of(monkeypatch, {}))


def test_a_key_of_another_gateway_is_said_to_be_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(monkeypatch, {"KEY_ID": "sk_test_1", "KEY_SECRET": "s"})

    with pytest.raises(SettingsError, match="Razorpay key id"):
        gateways_of(settings)


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        (WHOLE, "set up"),
        (KEY, "no webhook secret"),
        ({"KEY_ID": "rzp_test_1"}, "half a key"),
        ({"KEY_SECRET": "s"}, "half a key"),
    ],
)
def test_the_doctor_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], detail: str
) -> None:
    found = list(findings(settings_of(monkeypatch, given)))

    told = [(finding.detail, finding.wrong) for finding in found if finding.name == "Razorpay"]
    assert told == [(detail, detail != "set up")]
