"""The truth log: what was acknowledged is there after a restart, whatever state the file was left in."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from app.simulators.sandbox.truth_log import TruthLog
from tests.simulators.sandbox_world import sandbox_serving, until

if TYPE_CHECKING:
    from pathlib import Path


async def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    log = tmp_path / "truth.jsonl"
    async with sandbox_serving(log_path=log) as before:
        held = await before.paid(capture_method="manual", metadata={"payment_id": "p-1"})
        await before.post(f"/v1/payments/{held['id']}/capture", {"amount": 900})
        refund = await before.post(f"/v1/payments/{held['id']}/refunds", {"amount": 100})
        await before.pay(await before.create(), "4000000000000002")
        truth, events = await before.truth(), await before.get("/v1/events")
        payment = await before.payment(held)

    async with sandbox_serving(log_path=log) as after:
        found = await after.get("/v1/payments", metadata_payment_id="p-1")

        assert await after.truth() == truth
        assert await after.get("/v1/events") == events
        assert await after.get(f"/v1/refunds/{refund['id']}") == refund
        (same,) = found["data"]
        assert same | {"checkout_url": ""} == payment | {"checkout_url": ""}


async def test_time_goes_on_after_a_restart_even_when_the_clock_was_set_back(tmp_path: Path) -> None:
    log = tmp_path / "truth.jsonl"
    async with sandbox_serving(log_path=log) as before:
        await before.create()
    log.write_bytes(log.read_bytes().replace(b'"created":"20', b'"created":"21'))

    async with sandbox_serving(log_path=log) as after:
        await after.create()

        created = [event["created"] for event in (await after.get("/v1/events"))["data"]]
        assert created == sorted(created)
        assert created[1][:2] == "21"


async def test_what_was_interrupted_goes_on_after_a_restart(tmp_path: Path) -> None:
    log = tmp_path / "truth.jsonl"
    async with sandbox_serving(log_path=log, afterwards_seconds=3600) as before:
        disputed = await before.paid("4000000000000259")
        refunded = await before.paid("4000000000007726")
        await before.post(f"/v1/payments/{refunded['id']}/refunds", {"amount": 100})

    async with sandbox_serving(log_path=log) as after:
        await until(after.truth, lambda truth: truth["counts"]["disputes"] == 1)
        await until(
            lambda: after.payment(refunded), lambda payment: payment["refunds"][0]["status"] == "failed"
        )

        assert (await after.payment(disputed))["disputes"][0]["status"] == "open"


@pytest.mark.parametrize("torn", [b"{", b'{"events":[', b"\x00\x00\x00", b'{"events":[],"answer":null}'])
async def test_a_torn_last_line_is_cut_away(tmp_path: Path, torn: bytes) -> None:
    log = tmp_path / "truth.jsonl"
    async with sandbox_serving(log_path=log) as before:
        first = await before.create()
    whole = log.read_bytes()
    log.write_bytes(whole + torn)

    async with sandbox_serving(log_path=log) as between:
        second = await between.create()

    assert log.read_bytes().startswith(whole + b'{"events":[{"id"')
    async with sandbox_serving(log_path=log) as after:
        payments = (await after.truth())["payments"]
        assert [payment["id"] for payment in payments] == [first["id"], second["id"]]


def test_a_damaged_line_in_the_middle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    path.write_bytes(b'{"a":1}\n{"b":\n{"c":3}\n')
    log = TruthLog(path)

    with pytest.raises(RuntimeError, match=r"Line 2 of the log .* is damaged"):
        log.read()

    log.close()
    assert path.read_bytes() == b'{"a":1}\n{"b":\n{"c":3}\n'


def test_a_log_has_one_sandbox_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    first = TruthLog(path)

    with pytest.raises(RuntimeError, match="in use by another sandbox"):
        TruthLog(path)

    first.close()
    TruthLog(path).close()


def test_the_log_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"

    TruthLog(path).close()

    assert os.stat(path).st_mode & 0o777 == 0o600  # noqa: PTH116 - the mode as the system sees it


async def test_no_card_number_and_no_secret_is_written(tmp_path: Path) -> None:
    log = tmp_path / "truth.jsonl"
    async with sandbox_serving(log_path=log) as sandbox:
        payment = await sandbox.create()
        for card in ("4000000000000002", "4000-0025-0000-3155"):
            await sandbox.api.post(
                f"/v1/payments/{payment['id']}/_pay",
                json={"card": card},
                headers={"Idempotency-Key": card[-4:]},
            )

    written = log.read_text()
    assert ("3155" in written, "4000000000000002" in written) == (True, False)
    assert ("4000-0025" in written, "4000002500003155" in written) == (False, False)
    assert "made_up" not in written
