"""Chaos of the API: failing, slow, silent and nonsensical calls, on request only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx2
import pytest

from tests.simulators.sandbox_world import until

if TYPE_CHECKING:
    from tests.simulators.sandbox_world import Sandbox

BODY = {"amount": 100, "currency": "INR"}
CALM: Final[dict[str, Any]] = {
    "duplicate": 0,
    "delay_ms": None,
    "reorder": False,
    "drop": 0.0,
    "seed": None,
    "api_latency_ms": 0,
    "api_fail": {},
}


async def test_there_is_no_chaos_unless_asked_for(sandbox: Sandbox) -> None:
    assert await sandbox.get("/v1/_chaos") == CALM


async def test_chaos_is_shown_and_calmed(sandbox: Sandbox) -> None:
    wild = {
        "duplicate": 2,
        "delay_ms": [1, 5],
        "reorder": True,
        "drop": 0.25,
        "seed": 9,
        "api_latency_ms": 3,
        "api_fail": {
            "capture": {"answer": "hang_after", "times": 1},
            "refund": {"answer": 503, "times": None},
        },
    }
    await sandbox.chaos(**wild)

    shown = await sandbox.get("/v1/_chaos")
    calmed = await sandbox.api.delete("/v1/_chaos")

    assert shown == wild
    assert calmed.json() == await sandbox.get("/v1/_chaos") == CALM


@pytest.mark.parametrize(
    "settings",
    [
        {"duplicate": 11},
        {"duplicate": True},
        {"delay_ms": [5, 1]},
        {"delay_ms": 5},
        {"reorder": 1},
        {"drop": 1.1},
        {"drop": "0.1"},
        {"seed": -1},
        {"api_latency_ms": 600_001},
        {"api_fail": {"capture": {"answer": 200}}},
        {"api_fail": {"capture": {"answer": "sulk"}}},
        {"api_fail": {"capture": {"answer": 500, "times": 0}}},
        {"api_fail": {"steal": {"answer": 500}}},
        {"api_fail": 500},
        {"dorp": 1},
    ],
)
async def test_wrong_chaos_is_refused_and_changes_nothing(sandbox: Sandbox, settings: dict[str, Any]) -> None:
    answer = await sandbox.api.put("/v1/_chaos", json=settings)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "parameter_invalid")
    assert await sandbox.get("/v1/_chaos") == CALM


async def test_a_call_fails_as_often_as_asked_and_does_nothing(sandbox: Sandbox) -> None:
    await sandbox.chaos(api_fail={"create_payment": {"answer": 503, "times": 2}})

    answers = [await sandbox.api.post("/v1/payments", json=BODY) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert [answer.headers.get("retry-after") for answer in answers] == ["1", "1", None]
    assert (await sandbox.truth())["counts"]["payments"] == 1


@pytest.mark.parametrize(
    ("operation", "path"),
    [
        ("fetch_payment", "/v1/payments/x"),
        ("list_payments", "/v1/payments?metadata_payment_id=x"),
        ("fetch_refund", "/v1/refunds/x"),
        ("list_events", "/v1/events"),
    ],
)
async def test_reading_fails_too(sandbox: Sandbox, operation: str, path: str) -> None:
    await sandbox.chaos(api_fail={operation: {"answer": 500}})

    answers = [(await sandbox.api.get(path)).status_code for _ in range(2)]

    assert answers == [500, 500]


@pytest.mark.parametrize(("answer", "made"), [("hang", 0), ("hang_after", 1)])
async def test_a_hanging_call_never_answers(sandbox: Sandbox, answer: str, made: int) -> None:
    await sandbox.chaos(api_fail={"create_payment": {"answer": answer, "times": 1}})

    with pytest.raises(httpx2.ReadTimeout):
        await sandbox.api.post("/v1/payments", json=BODY, headers={"Idempotency-Key": "k"}, timeout=0.3)

    assert (await sandbox.truth())["counts"]["payments"] == made
    again = await until(
        lambda: sandbox.api.post("/v1/payments", json=BODY, headers={"Idempotency-Key": "k"}),
        lambda answer: answer.status_code != 409,
    )
    assert ("idempotent-replayed" in again.headers) is (made == 1)
    assert (await sandbox.truth())["counts"]["payments"] == 1


async def test_an_answer_may_be_garbage_although_the_work_was_done(sandbox: Sandbox) -> None:
    await sandbox.chaos(api_fail={"create_payment": {"answer": "garbage_after", "times": 1}})

    answer = await sandbox.api.post("/v1/payments", json=BODY)

    assert (answer.status_code, answer.text[:6]) == (200, "<html>")
    assert (await sandbox.truth())["counts"]["payments"] == 1
