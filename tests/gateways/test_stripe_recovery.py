"""What Stripe recorded while nobody listened: every event once, oldest first, a page in memory at a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.facts import FactKind
from app.gateways.contract import GatewayError, GatewayErrorKind, Verified
from app.gateways.stripe import build
from app.gateways.stripe.backlog import PAGE_SIZE, Backlog
from app.gateways.stripe.events import RECOVERED_TYPES
from tests.gateways.scripted_http import Answer, Request, ScriptedServer
from tests.gateways.stripe_objects import CHARGED_AT, SETTINGS, charge, event, failed_charge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.gateways.stripe_objects import Object

START: Final = 1_000


class Recorded:
    """Stripe's list of events: newest first, of the same second the one that came last first."""

    def __init__(self, seconds: list[int]) -> None:
        oldest_first: list[Object] = [
            {"id": f"evt_{n}", "created": at} for n, at in enumerate(sorted(seconds))
        ]
        self.events = oldest_first[::-1]
        self.pages = 0

    async def page(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer as `GET /v1/events` does."""
        self.pages += 1
        window = asked["created"]
        found = [e for e in self.events if window["gte"] <= e["created"] < window.get("lt", 2**62)]
        if "starting_after" in asked:
            found = found[[e["id"] for e in found].index(asked["starting_after"]) + 1 :]
        assert asked["limit"] == PAGE_SIZE
        return {"data": found[:PAGE_SIZE], "has_more": len(found) > PAGE_SIZE}


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 250)), min_size=0, max_size=12))
async def test_every_event_comes_once_and_oldest_first(bursts: list[tuple[int, int]]) -> None:
    recorded = Recorded([second for second, number in bursts for _ in range(number)])

    told = [e["id"] async for e in Backlog(recorded.page).events(START)]

    assert told == [e["id"] for e in recorded.events[::-1] if e["created"] >= START]


async def test_a_month_of_events_takes_little_more_questions_than_pages() -> None:
    recorded = Recorded([START + second for second in range(0, 2_592_000, 259)])

    told = [e["created"] async for e in Backlog(recorded.page).events(START)]

    assert told == sorted(told)
    assert len(told) == 10_008
    assert recorded.pages == 127


async def read(backlog: Backlog, into: list[int]) -> None:
    async for told in backlog.events(START):
        into.append(told["created"])  # noqa: PERF401 - what comes before the end counts too


async def test_a_walk_without_an_end_is_given_up_and_can_be_gone_on_with() -> None:
    recorded = Recorded([START] * 100 + [START + 1] * 1_000)
    told: list[int] = []

    with pytest.raises(GatewayError) as raised:
        await read(Backlog(recorded.page, pages_left=4), told)

    assert (raised.value.kind, raised.value.code) == (GatewayErrorKind.UNAVAILABLE, "too_many_events")
    assert Counter(told) == {START: 100}


async def test_what_was_missed_is_told_as_its_webhooks_would_have() -> None:
    def listing(request: Request) -> Answer:
        asked.append(parse_qs(urlsplit(request.target).query))
        return Answer({"object": "list", "has_more": False, "data": events})

    asked: list[dict[str, list[str]]] = []
    events: list[Object] = [
        event("charge.captured", charge(), id="evt_3"),
        event("charge.failed", failed_charge(amount="?", created="?"), id="evt_2"),
        event("charge.failed", failed_charge("ch_0", "pm_0"), id="evt_1"),
    ]

    async with ScriptedServer([listing]).running() as server:
        gateway = build(replace(SETTINGS, api_base=server.url))
        told = [n async for n in gateway.missed(datetime.fromtimestamp(CHARGED_AT, UTC))]
        await gateway.aclose()
    again = [gateway.parse(Verified.kept(n.body)) for n in (told[0], told[2])]
    with pytest.raises(ValueError, match="created"):
        gateway.parse(Verified.kept(told[1].body))

    assert [(n.external_id, [fact.kind for fact in n.facts]) for n in told] == [
        ("evt_1", [FactKind.FAILED]),
        ("evt_2", []),
        ("evt_3", [FactKind.CAPTURED]),
    ]
    assert again == [replace(told[0], body=b""), replace(told[2], body=b"")]
    (question,) = asked
    assert {name: question[name] for name in ("created[gte]", "limit")} == {
        "created[gte]": [str(CHARGED_AT)],
        "limit": ["100"],
    }
    assert {value for name, (value,) in question.items() if name.startswith("types")} == set(RECOVERED_TYPES)


async def test_numbers_that_the_library_makes_of_texts_do_not_end_the_recovery() -> None:
    priced = charge(price={"object": "price", "id": "price_1", "unit_amount_decimal": "10.5"})
    listing = Answer({"object": "list", "has_more": False, "data": [event("charge.captured", priced)]})

    async with ScriptedServer([listing]).running() as server:
        gateway = build(replace(SETTINGS, api_base=server.url))
        try:
            told = [n async for n in gateway.missed(datetime.fromtimestamp(CHARGED_AT, UTC))]
        finally:
            await gateway.aclose()

    assert [fact.kind for fact in told[0].facts] == [FactKind.CAPTURED]
    assert b'"unit_amount_decimal":"10.5"' in told[0].body
