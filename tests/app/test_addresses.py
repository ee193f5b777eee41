"""Whose address it is: what proxies of ours say is believed, and nobody else's word."""

from __future__ import annotations

import logging

import pytest

from app.rates import Addresses, UnreadableNetworkError

PROXIES = ("10.0.0.0/8", "2001:db8:ffff::1")


def client_of(peer: str | None, *forwarded: str, trusted: tuple[str, ...] = PROXIES) -> str:
    headers = [(b"host", b"shop.test"), *((b"x-forwarded-for", each.encode("latin-1")) for each in forwarded)]
    return Addresses(trusted).client_of({"client": (peer, 5) if peer else None, "headers": headers})


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.7", [], "192.0.2.7"),
        ("192.0.2.7", ["198.51.100.1"], "192.0.2.7"),
        ("10.1.2.3", [], "10.1.2.3"),
        ("10.1.2.3", ["198.51.100.1"], "198.51.100.1"),
        ("10.1.2.3", ["203.0.113.9, 198.51.100.1"], "198.51.100.1"),
        ("10.1.2.3", ["198.51.100.1, 10.9.9.9"], "198.51.100.1"),
        ("10.1.2.3", ["203.0.113.9", "198.51.100.1,10.9.9.9"], "198.51.100.1"),
        ("10.1.2.3", ["10.7.7.7"], "10.7.7.7"),
        ("10.1.2.3", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.1.2.3", ["[2001:db8::1]:4711"], "2001:db8::/64"),
        ("10.1.2.3", ["198.51.100.1, nonsense"], "unknown"),
        ("10.1.2.3", [", ,"], "10.1.2.3"),
        ("::ffff:10.1.2.3", ["198.51.100.1"], "198.51.100.1"),
        ("2001:db8:ffff::1", ["198.51.100.1"], "198.51.100.1"),
        ("::ffff:192.0.2.7", [], "192.0.2.7"),
        (None, ["198.51.100.1"], "unknown"),
    ],
)
def test_the_client_is_who_the_last_trusted_proxy_saw(
    peer: str | None, forwarded: list[str], client: str
) -> None:
    assert client_of(peer, *forwarded) == client


def test_an_ipv6_network_of_64_bits_is_one_client() -> None:
    first, second, other = "2001:db8:1:2::1", "2001:db8:1:2:ffff::2", "2001:db8:1:3::1"

    assert client_of(first) == client_of(second) == "2001:db8:1:2::/64"
    assert client_of(other) == "2001:db8:1:3::/64"


def test_an_endless_chain_is_read_from_its_end() -> None:
    chain = ", ".join(["203.0.113.9"] * 5_000 + ["198.51.100.1"] + ["10.0.0.1"] * 15)

    assert client_of("10.1.2.3", chain) == "198.51.100.1"
    assert client_of("10.1.2.3", chain + ", 10.0.0.2") == "10.0.0.1"


def test_without_trusted_proxies_nobody_is_believed() -> None:
    assert client_of("10.1.2.3", "198.51.100.1", trusted=()) == "10.1.2.3"


def test_a_proxy_that_is_not_on_the_list_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    addresses = Addresses(["127.0.0.1"])
    scopes = [
        {"client": (peer, 5), "headers": [(b"x-forwarded-for", b"198.51.100.1")] if said else []}
        for peer, said in (("8.8.8.8", True), ("10.1.2.3", False), ("10.1.2.3", True), ("10.1.2.4", True))
    ]

    with caplog.at_level(logging.WARNING):
        clients = [addresses.client_of(scope) for scope in scopes]

    assert clients == ["8.8.8.8", "10.1.2.3", "10.1.2.3", "10.1.2.4"]
    assert [(record.message, record.__dict__["address"]) for record in caplog.records] == [
        ("rates.proxy_not_trusted", "10.1.2.3")
    ]


def test_what_is_no_network_is_said_at_the_start() -> None:
    with pytest.raises(UnreadableNetworkError, match=r"proxy\.internal"):
        Addresses(["proxy.internal"])
