"""Mischief: what the simulators are told to do wrong, and deliveries that somebody tampered with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx2

from app.tls import trusted

if TYPE_CHECKING:
    import random

    from app.cli.simulating import Simulated

TAMPERED_MAX: Final = 10
"""Deliveries of each gateway that are sent once more with a bit turned over."""
_ANSWERS: Final = (429, 500, 503, "garbage_after", "hang_after")


def knobs(dice: random.Random, operations: list[str]) -> dict[str, Any]:
    """Return what a simulator is to do wrong: its webhooks doubled, late, reordered, lost; its API failing at times."""
    failing = dice.sample(operations, k=min(3, len(operations)))
    return {
        "duplicate": dice.choice((0, 1, 2)),
        "delay_ms": [0, dice.choice((0, 100, 500))],
        "reorder": dice.random() < 0.7,  # noqa: PLR2004 - mostly
        "drop": dice.choice((0.0, 0.2, 0.5, 1.0)),
        "seed": dice.getrandbits(32),
        "api_latency_ms": dice.choice((0, 0, 50)),
        "api_fail": {
            name: {"answer": dice.choice(_ANSWERS), "times": dice.randint(1, 3)} for name in failing
        },
    }


async def tamper(url: str, gateway: Simulated, dice: random.Random) -> tuple[int, list[str]]:
    """Send deliveries with one bit turned over; return how many were refused, and a line for each that was taken."""
    webhooks = await gateway.control.webhooks()
    refused, taken = 0, []
    async with httpx2.AsyncClient(timeout=10.0, trust_env=False, verify=trusted()) as client:
        for webhook in dice.sample(webhooks, k=min(TAMPERED_MAX, len(webhooks))):
            body = bytearray(webhook.body)
            at = dice.randrange(len(body))
            body[at] ^= 1 << dice.randrange(8)
            answer = await client.post(
                f"{url}/webhooks/{gateway.name}", content=bytes(body), headers=dict(webhook.headers)
            )
            if 400 <= answer.status_code < 500:  # noqa: PLR2004 - HTTP's range of refusals
                refused += 1
            else:
                taken.append(f"{gateway.name} {webhook.type}: {answer.status_code} with byte {at} changed")
    return refused, taken
