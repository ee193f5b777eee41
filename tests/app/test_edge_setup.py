"""What the settings make of the edge, and which of them make no sense."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app.auth import ANYONE
from app.edge_setup import addresses_of, documents_of, hosts_of, is_encrypted, rates_of, strikes_of
from app.rates import Rates, Unlimited
from app.settings import SettingsError, isolated_settings, load_settings
from schema.errors import BadRequestError
from schema.manifest import OWN_PATH, read_manifest

if TYPE_CHECKING:
    from pathlib import Path


def edge_of(given: dict[str, Any]) -> None:
    """Make everything that may find fault with the settings."""
    settings = load_settings(**given)
    documents_of(settings)
    addresses_of(settings)
    rates_of(settings)


PRODUCTION = {"mode": "production", "secret_key": "k" * 40}


@pytest.mark.parametrize(
    ("given", "counts"),
    [
        ({}, False),
        ({"rate_limits": True}, True),
        (PRODUCTION, True),
        ({**PRODUCTION, "rate_limits": False}, False),
    ],
)
def test_callers_are_counted_in_production_unless_it_is_set(given: dict[str, Any], counts: bool) -> None:
    settings = isolated_settings(**given)

    assert isinstance(rates_of(settings), Rates if counts else Unlimited)
    assert (strikes_of(settings) is not None) is counts


async def test_a_redis_that_is_the_broker_counts_too() -> None:
    shared, alone = [
        rates_of(isolated_settings(rate_limits=True, broker_url=url))
        for url in ("redis://127.0.0.1:9", "memory://")
    ]

    assert isinstance(shared, Rates)
    assert isinstance(alone, Rates)
    assert (shared._shared is not None, alone._shared is not None) == (True, False)
    await shared.spend(ANYONE, "192.0.2.1", values=1)
    await shared.aclose()


@pytest.mark.parametrize(
    ("given", "hosts"),
    [
        ({"public_url": "https://pay.shop.example"}, ()),
        ({"public_url": "https://pay.shop.example:8443/x", **PRODUCTION}, ("pay.shop.example",)),
        (PRODUCTION, ()),
        (
            {"public_url": "https://pay.shop.example", "allowed_hosts": "a.example, *.b.example"},
            ("a.example", "*.b.example", "pay.shop.example"),
        ),
    ],
)
def test_the_names_that_it_answers_to(given: dict[str, Any], hosts: tuple[str, ...]) -> None:
    settings = isolated_settings(**given)

    assert hosts_of(settings) == hosts
    assert is_encrypted(settings) is ("public_url" in given)


def test_the_pages_are_trusted_with_the_list(tmp_path: Path) -> None:
    (tmp_path / "mine.graphql").write_text("{ __typename }")
    documents = documents_of(isolated_settings(trusted_documents="only", trusted_documents_path=tmp_path))

    own = read_manifest(OWN_PATH)

    assert len(own) >= 10
    assert [documents.text_of({"query": text}) for text in own.values()] == list(own.values())
    assert documents.text_of({"documentId": "mine"}) == "{ __typename }"
    with pytest.raises(BadRequestError):
        documents.text_of({"query": "{ __typename } "})


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"trusted_documents": "only"}, "TRUSTED_DOCUMENTS_PATH"),
        ({"trusted_documents": "some"}, "TRUSTED_DOCUMENTS"),
        ({"trusted_documents_path": "/nowhere.json"}, r"nowhere\.json"),
        ({"trusted_proxies": "proxy"}, "TRUSTED_PROXIES"),
        ({"rate_requests": 0}, "RATE_REQUESTS"),
        ({"rate_values": 100}, "RATE_VALUES"),
        ({"rate_limits": True, "rate_limits_url": "nonsense"}, "RATE_LIMITS_URL"),
    ],
)
def test_settings_that_make_no_sense_are_named(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        edge_of(given)
