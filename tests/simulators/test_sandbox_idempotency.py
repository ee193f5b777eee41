"""Idempotency keys, as Stripe does them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.simulators.sandbox_world import sandbox_serving

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2

    from tests.simulators.sandbox_world import Sandbox

BODY = {"amount": 100, "currency": "INR"}


async def keyed(sandbox: Sandbox, key: str, path: str, body: dict[str, Any]) -> httpx2.Response:
    return await sandbox.api.post(path, json=body, headers={"Idempotency-Key": key})


async def test_the_same_key_gets_the_same_answer(sandbox: Sandbox) -> None:
    first = await keyed(sandbox, "k", "/v1/payments", BODY)
    await sandbox.pay(first.json())

    again = await keyed(sandbox, "k", "/v1/payments", dict(reversed(BODY.items())))

    assert (again.status_code, again.json()) == (200, first.json())
    assert ("idempotent-replayed" in first.headers, again.headers["idempotent-replayed"]) == (False, "true")
    assert (await sandbox.truth())["counts"]["payments"] == 1


@pytest.mark.parametrize("change", ["body", "path"])
async def test_the_same_key_for_something_else_is_refused(sandbox: Sandbox, change: str) -> None:
    first = await keyed(sandbox, "k", "/v1/payments", BODY)
    path = f"/v1/payments/{first.json()['id']}/cancel" if change == "path" else "/v1/payments"

    other = await keyed(sandbox, "k", path, {} if change == "path" else {**BODY, "amount": 101})

    error = other.json()["error"]
    assert (other.status_code, error["type"], error["code"]) == (
        400,
        "idempotency_error",
        "idempotency_key_reused",
    )
    assert (await sandbox.truth())["counts"] | {"events": 1, "payments": 1} == (await sandbox.truth())[
        "counts"
    ]


async def test_a_key_in_use_is_refused_until_its_answer_is_there(sandbox: Sandbox) -> None:
    await sandbox.chaos(api_latency_ms=300)

    answers = await asyncio.gather(*(keyed(sandbox, "k", "/v1/payments", BODY) for _ in range(10)))
    later = await keyed(sandbox, "k", "/v1/payments", BODY)

    done = [answer for answer in answers if answer.status_code == 200]
    in_use = [answer.json()["error"]["code"] for answer in answers if answer.status_code == 409]
    assert (len(done), in_use) == (1, ["idempotency_key_in_use"] * 9)
    assert later.json() == done[0].json()
    assert (await sandbox.truth())["counts"]["payments"] == 1


async def test_a_refusal_of_the_work_is_kept(sandbox: Sandbox) -> None:
    held = await sandbox.paid(capture_method="manual")
    path = f"/v1/payments/{held['id']}/refunds"
    refusal = await keyed(sandbox, "k", path, {"amount": 1})
    await sandbox.post(f"/v1/payments/{held['id']}/capture")

    again = await keyed(sandbox, "k", path, {"amount": 1})

    assert (refusal.status_code, again.status_code) == (400, 400)
    assert again.json() == refusal.json()
    assert (await sandbox.payment(held))["refunds"] == []


async def test_a_declined_card_is_an_answer_too(sandbox: Sandbox) -> None:
    payment = await sandbox.create()
    path = f"/v1/payments/{payment['id']}/_pay"
    first = await keyed(sandbox, "k", path, {"card": "4000000000000002"})

    again = await keyed(sandbox, "k", path, {"card": "4000000000000002"})

    assert (first.status_code, again.status_code) == (402, 402)
    assert again.json() == first.json()
    assert len((await sandbox.payment(payment))["attempts"]) == 1


async def test_refused_parameters_leave_the_key_free(sandbox: Sandbox) -> None:
    wrong = await keyed(sandbox, "k", "/v1/payments", {"amount": 0, "currency": "INR"})

    right = await keyed(sandbox, "k", "/v1/payments", BODY)

    assert (wrong.status_code, right.status_code) == (400, 200)


async def test_a_fault_by_chaos_leaves_the_key_free(sandbox: Sandbox) -> None:
    await sandbox.chaos(api_fail={"create_payment": {"answer": 500, "times": 1}})
    failed = await keyed(sandbox, "k", "/v1/payments", BODY)

    right = await keyed(sandbox, "k", "/v1/payments", BODY)

    assert (failed.status_code, right.status_code) == (500, 200)


@pytest.mark.parametrize("key", ["", "a b", "k" * 256])
async def test_a_key_has_a_shape(sandbox: Sandbox, key: str) -> None:
    answer = await keyed(sandbox, key, "/v1/payments", BODY)

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "Idempotency-Key")


async def test_answers_survive_a_restart(tmp_path: Path) -> None:
    log = tmp_path / "truth.jsonl"
    async with sandbox_serving(log_path=log) as before:
        first = await keyed(before, "k", "/v1/payments", BODY)

    async with sandbox_serving(log_path=log) as after:
        again = await keyed(after, "k", "/v1/payments", BODY)

        assert again.json() == first.json()
        assert (await after.truth())["counts"]["payments"] == 1
