"""PayPal's settings: what reaches the gateway, and what the doctor says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app.cli.doctor import _paypal
from app.gateway_setup import gateway_settings, gateways_of
from app.gateways.paypal import LIVE_BASE, PayPalSettings, WebhookCheck
from app.settings import SettingsError, load_settings
from app.simulators.paypal.signer import Signer

if TYPE_CHECKING:
    from pathlib import Path

GIVEN: dict[str, Any] = {
    "paypal_client_id": "client",
    "paypal_client_secret": "made-up-secret",
    "paypal_webhook_id": "WH1",
}


def test_the_gateway_is_set_up_from_the_settings() -> None:
    plain = gateway_settings(load_settings(**GIVEN))["paypal"]
    more = gateway_settings(
        load_settings(**GIVEN, paypal_api_base="http://127.0.0.1:9", paypal_webhook_check="postback")
    )["paypal"]

    assert isinstance(plain, PayPalSettings)
    assert isinstance(more, PayPalSettings)
    assert (plain.client_secret, plain.webhook_id, plain.api_base) == ("made-up-secret", "WH1", LIVE_BASE)
    assert (more.api_base, more.webhook_check) == ("http://127.0.0.1:9", WebhookCheck.POSTBACK)
    assert "made-up-secret" not in repr(plain)


def test_authorities_are_read_from_a_file(tmp_path: Path) -> None:
    roots = tmp_path / "roots.pem"
    roots.write_bytes(Signer("WH1", "https://x").root_pem)

    given = gateway_settings(load_settings(**GIVEN, paypal_trust_roots=roots))["paypal"]

    assert isinstance(given, PayPalSettings)
    assert given.trust_roots_pem == roots.read_bytes()
    with pytest.raises(SettingsError, match="can't be read"):
        gateways_of(load_settings(**GIVEN, paypal_trust_roots=tmp_path / "none.pem"))


def test_without_both_credentials_there_is_no_paypal() -> None:
    assert "paypal" not in gateway_settings(load_settings(paypal_client_id="client"))


def test_another_check_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"(?i)webhook_check"):
        load_settings(**GIVEN, paypal_webhook_check="none")


@pytest.mark.parametrize(
    ("without", "detail"),
    [("paypal_client_secret", "no client secret"), ("paypal_webhook_id", "no webhook id"), (None, "set up")],
)
def test_the_doctor_says_what_is_missing(without: str | None, detail: str) -> None:
    finding = _paypal(load_settings(**{name: value for name, value in GIVEN.items() if name != without}))

    assert (finding.detail, finding.wrong) == (detail, without is not None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"api_base": "http://api-m.paypal.com"},
        {"api_base": "ftp://127.0.0.1"},
        {"client_id": ""},
        {"client_id": "a:b"},
        {"client_secret": "a b"},
        {"webhook_id": "a|b"},
        {"timeout_seconds": 0},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="PayPal"):
        PayPalSettings(**{"client_id": "client", "client_secret": "secret", **wrong})
