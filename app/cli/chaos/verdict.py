"""The verdict: everything that is owed is done, and then what is known is compared with what really happened."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from app.integrity import Position, audit
from db import jobs
from db.chaos import known_payments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.cli.chaos.world import World
    from app.simulators.kit import PaymentTruth
    from db.chaos import KnownPayment
    from db.pool import Database

CALM_SECONDS_MAX: Final = 90.0
_LOOK_AGAIN_SECONDS: Final = 0.2


@dataclass(slots=True)
class Verdict:
    """What is wrong, in sentences; and what there was."""

    wrong: list[str] = field(default_factory=list)
    payments: int = 0
    captured: int = 0
    refunds: int = 0
    disputes: int = 0


async def judge(world: World) -> Verdict:
    """Have everything done that is owed, though nobody tells anything any more, and judge."""
    for each in world.simulators:
        await each.control.set_chaos()
    verdict = Verdict()
    try:
        async with asyncio.timeout(CALM_SECONDS_MAX):
            while True:
                await jobs.hasten(world.database)
                while await jobs.busy(world.database):  # noqa: ASYNC110 - the worker tells nobody here
                    await asyncio.sleep(_LOOK_AGAIN_SECONDS)
                verdict = await _compare(world)
                if not verdict.wrong:
                    break
    except TimeoutError:
        pass
    verdict.wrong += await _violations(world.database)
    return verdict


async def _compare(world: World) -> Verdict:
    verdict = Verdict()
    for simulator in world.simulators:
        truths = await simulator.control.truth()
        known = {
            each.reference: each for each in await known_payments(world.database, simulator.name.upper())
        }
        verdict.payments += len(truths)
        verdict.captured += sum(truth.captured_minor > 0 for truth in truths)
        verdict.refunds += sum(len(truth.refunds) for truth in truths)
        verdict.disputes += sum(len(truth.disputes) for truth in truths)
        for line in (*_doubled(truths), *_differences(truths, known)):
            verdict.wrong.append(f"{simulator.name}: {line}")
    return verdict


def _doubled(truths: Sequence[PaymentTruth]) -> list[str]:
    made = Counter(truth.own_id for truth in truths if truth.own_id and truth.captured_minor)
    refunds = Counter(refund.own_id for truth in truths for refund in truth.refunds if refund.own_id)
    return [
        *(f"the payment {own_id} was captured {times} times" for own_id, times in made.items() if times > 1),
        *(f"the refund {own_id} was made {times} times" for own_id, times in refunds.items() if times > 1),
    ]


def _differences(truths: Sequence[PaymentTruth], known: dict[str | None, KnownPayment]) -> list[str]:
    lines = []
    for truth in truths:
        here = known.get(truth.reference)
        given_back = sum(each.amount_minor for each in truth.refunds if each.status == "SUCCEEDED")
        if here is None:
            if truth.captured_minor:
                lines.append(f"{truth.reference} took {truth.captured_minor} and is not known here")
        elif (here.captured_minor, here.refunded_minor) != (truth.captured_minor, given_back):
            lines.append(
                f"{truth.reference} is {here.status} with {here.captured_minor} taken and {here.refunded_minor} given"
                f" back here, {truth.captured_minor} and {given_back} there"
            )
        elif here.disputed_minor and not truth.disputes:
            lines.append(f"{truth.reference} is disputed here, and not there")
        elif (truth.approved or truth.held_minor) and here.is_needed:
            lines.append(
                f"{truth.reference} is {here.status} here: what the shopper agreed to waits to be taken"
            )
    there = {truth.reference for truth in truths}
    lines.extend(
        f"{reference} has {here.captured_minor} here and is not known there"
        for reference, here in known.items()
        if here.captured_minor and reference not in there
    )
    return lines


async def _violations(database: Database) -> list[str]:
    found = []
    position: Position | None = Position()
    while position is not None:
        audited = await audit(database, position)
        found += [f"{each.subject_id} {each.check}: {each.message}" for each in audited.violations]
        position = audited.next
    return found
