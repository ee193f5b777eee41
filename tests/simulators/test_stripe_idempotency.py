"""The simulator of Stripe: keys, authentication, versions, limits, and what a form may look like."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

import httpx2
import pytest

from app.simulators.stripe.errors import RefusedError
from app.simulators.stripe.forms import parse_form
from tests.simulators.stripe_world import (
    INTENTS,
    PUBLISHABLE_KEY,
    SECRET_KEY,
    Stripe,
    stripe_serving,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OPEN: dict[str, str | int] = {"amount": 49900, "currency": "inr"}


@pytest.fixture
async def stripe() -> AsyncIterator[Stripe]:
    """Run a simulator."""
    async with stripe_serving() as stripe:
        yield stripe


async def test_a_key_gives_the_first_answer_again(stripe: Stripe) -> None:
    first = await stripe.send(INTENTS, "k", **OPEN)
    again = await stripe.send(INTENTS, "k", **OPEN)
    other = await stripe.send(INTENTS, "l", **OPEN)

    assert (again.content, again.status_code) == (first.content, 200)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["original-request"] == first.headers["request-id"]
    assert first.headers["idempotency-key"] == again.headers["idempotency-key"] == "k"
    assert "idempotent-replayed" not in first.headers
    assert other.json()["id"] != first.json()["id"]
    assert len(await stripe.truth()) == 2


async def test_a_key_stands_for_one_call_only(stripe: Stripe) -> None:
    opened = await stripe.post(INTENTS, "k", **OPEN)

    refusals = [
        await stripe.send(INTENTS, "k", **{**OPEN, "amount": 100}),
        await stripe.send(f"{INTENTS}/{opened['id']}/cancel", "k"),
    ]

    for answer in refusals:
        assert (answer.status_code, answer.json()["error"]["type"]) == (400, "idempotency_error")
    assert (await stripe.get(f"{INTENTS}/{opened['id']}"))["status"] == "requires_payment_method"


async def test_a_decline_is_kept_and_refused_parameters_are_not(stripe: Stripe) -> None:
    opened = await stripe.intent(allowed_payment_method_types__0="card")
    path = f"{INTENTS}/{opened['id']}/confirm"

    declined = [await stripe.send(path, "k", payment_method="pm_card_chargeDeclined") for _ in range(2)]
    refused = await stripe.send(INTENTS, "l", **{**OPEN, "amount": 1})
    corrected = await stripe.send(INTENTS, "l", **OPEN)

    assert [answer.status_code for answer in declined] == [402, 402]
    assert declined[0].content == declined[1].content
    assert stripe.told().count("charge.failed") == 1
    assert (refused.status_code, corrected.status_code) == (400, 200)


async def test_a_fault_of_stripes_own_is_kept_too(stripe: Stripe) -> None:
    await stripe.chaos(api_fail={"create": {"answer": 500, "times": 1}})

    first = await stripe.send(INTENTS, "k", **OPEN)
    again = await stripe.send(INTENTS, "k", **OPEN)

    assert (first.status_code, again.status_code) == (500, 500)
    assert (first.json()["error"]["type"], again.headers["idempotent-replayed"]) == ("api_error", "true")
    assert first.content == again.content
    assert await stripe.truth() == []


async def test_a_fault_is_forgotten_in_time_and_what_was_done_is_not(stripe: Stripe) -> None:
    stripe.simulator.keys.fault_seconds = 0.1
    done = await stripe.send(INTENTS, "done", **OPEN)
    await stripe.chaos(api_fail={"create": {"answer": 500, "times": 1}})

    statuses = [(await stripe.send(INTENTS, "k", **OPEN)).status_code for _ in range(2)]
    await asyncio.sleep(0.15)
    statuses.append((await stripe.send(INTENTS, "k", **OPEN)).status_code)

    assert statuses == [500, 500, 200]
    assert (await stripe.send(INTENTS, "done", **OPEN)).content == done.content
    assert len(await stripe.truth()) == 2


@pytest.mark.parametrize("status", [429, 503])
async def test_what_was_turned_away_before_is_done_with_the_same_key(stripe: Stripe, status: int) -> None:
    await stripe.chaos(api_fail={"create": {"answer": status, "times": 1}})

    first = await stripe.send(INTENTS, "k", **OPEN)
    again = await stripe.send(INTENTS, "k", **OPEN)

    assert (first.status_code, again.status_code) == (status, 200)


async def test_what_was_done_without_an_answer_is_answered_to_the_same_key(stripe: Stripe) -> None:
    await stripe.chaos(api_fail={"create": {"answer": "hang_after", "times": 1}})

    with pytest.raises(httpx2.ReadTimeout):
        await stripe.api.post(INTENTS, data=OPEN, headers={"Idempotency-Key": "k"}, timeout=0.2)
    again = await stripe.send(INTENTS, "k", **OPEN)

    assert again.status_code == 200
    assert [truth["reference"] for truth in await stripe.truth()] == [again.json()["id"]]


async def test_the_same_key_twice_at_once_is_refused_once(stripe: Stripe) -> None:
    await stripe.chaos(api_latency_ms=200)

    answers = await asyncio.gather(*(stripe.send(INTENTS, "k", **OPEN) for _ in range(2)))

    refused, done = sorted(answers, key=lambda answer: -answer.status_code)
    assert (refused.status_code, done.status_code) == (409, 200)
    assert refused.json()["error"]["code"] == "idempotency_key_in_use"
    assert len(await stripe.truth()) == 1


async def test_a_key_that_is_too_long_is_refused(stripe: Stripe) -> None:
    assert (await stripe.send(INTENTS, "k" * 255, **OPEN)).status_code == 200
    assert (await stripe.send(INTENTS, "k" * 256, **OPEN)).status_code == 400


async def test_too_many_calls_a_second_are_told_so(stripe: Stripe) -> None:
    stripe.simulator.rate.calls_per_second_max = 0

    limited = await stripe.send(INTENTS, "k", **OPEN)
    stripe.simulator.rate.calls_per_second_max = None
    again = await stripe.send(INTENTS, "k", **OPEN)

    assert (limited.status_code, limited.json()["error"]["code"]) == (429, "rate_limit")
    assert limited.headers["stripe-rate-limited-reason"] == "global-rate"
    assert again.status_code == 200


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("", 401),
        ("Bearer sk_test_another", 401),
        ("Bearer", 401),
        ("Basic !", 401),
        (f"Bearer {PUBLISHABLE_KEY}", 403),
        (f"Bearer {SECRET_KEY}", 200),
        (f"Basic {base64.b64encode(f'{SECRET_KEY}:'.encode()).decode()}", 200),
    ],
)
async def test_only_the_secret_key_opens_an_intent(stripe: Stripe, authorization: str, status: int) -> None:
    answer = await stripe.api.post(INTENTS, data=OPEN, headers={"Authorization": authorization})

    assert answer.status_code == status
    assert SECRET_KEY not in answer.text
    assert answer.headers["request-id"].startswith("req_")


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ("2026-10-28.endive", 200),
        ("2025-03-31.basil", 200),
        ("2024-06-20", 400),
        ("yesterday", 400),
    ],
)
async def test_a_call_is_by_a_version_that_there_is(stripe: Stripe, version: str, status: int) -> None:
    answer = await stripe.api.get("/v1/events", headers={"Stripe-Version": version})

    assert answer.status_code == status
    assert answer.headers["stripe-version"] == version


async def test_what_older_versions_took_they_still_take(stripe: Stripe) -> None:
    form = {"amount": "100", "currency": "usd", "payment_method_types[]": "card"}
    older, oldest = {"Stripe-Version": "2026-07-29.dahlia"}, {"Stripe-Version": "2025-03-31.basil"}

    answer = await stripe.api.post(INTENTS, data=form, headers=older)
    too_old = await stripe.api.post(
        INTENTS,
        data={"amount": "100", "currency": "usd", "allowed_payment_method_types[]": "card"},
        headers=oldest,
    )

    assert answer.json()["payment_method_types"] == ["card"]
    assert too_old.json()["error"]["code"] == "parameter_unknown"


async def test_a_body_of_another_kind_is_refused(stripe: Stripe) -> None:
    as_json = await stripe.api.post(INTENTS, json=OPEN)
    too_long = await stripe.api.post(INTENTS, data={"description": "x" * 300_000})
    unheard_of = await stripe.api.get("/v1/prices")

    assert (as_json.status_code, too_long.status_code, unheard_of.status_code) == (400, 413, 404)


def test_a_form_is_nested_as_it_is_written() -> None:
    form = "a=1&m[k]=v&m[l]=w&e[]=x&e[]=y&t[1]=b&t[0]=a&p[0][q]=1&empty="

    assert parse_form(form) == {
        "a": "1",
        "m": {"k": "v", "l": "w"},
        "e": ["x", "y"],
        "t": ["a", "b"],
        "p": [{"q": "1"}],
        "empty": "",
    }


@pytest.mark.parametrize(
    "form",
    [
        "a=1&a[b]=2",
        "a[b]=2&a=1",
        "a]=1",
        "a[=1",
        "a" + "[b]" * 9 + "=1",
        "&".join(["a=1"] * 1001),
        "a[0][0]=1",
    ],
)
def test_a_form_that_contradicts_itself_is_refused(form: str) -> None:
    with pytest.raises(RefusedError):
        parse_form(form)
