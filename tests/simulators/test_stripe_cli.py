"""The simulator of Stripe against another client that Stripe wrote: `stripe trigger` of its command line.

`STRIPE_CLI` names the program, of the npm package `@stripe/cli`; docs/gateways/stripe.md says how to get it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from typing import TYPE_CHECKING, Final

import pytest

from tests.simulators.stripe_world import SECRET_KEY, stripe_serving

if TYPE_CHECKING:
    from pathlib import Path

NAMED: Final = os.environ.get("STRIPE_CLI", "")
PROGRAM: Final = shutil.which(NAMED) or ""
WAIT_SECONDS: Final = 30
PAID: Final = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]

pytestmark = pytest.mark.skipif(
    not PROGRAM,
    reason=f"STRIPE_CLI names {NAMED or 'nothing'}, not a program: Stripe's command line (npm package @stripe/cli)",
)


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ("payment_intent.created", PAID[:1]),
        ("payment_intent.succeeded", PAID),
        (
            "payment_intent.payment_failed",
            [PAID[0], "charge.failed", "payment_intent.payment_failed"],
        ),
        ("payment_intent.canceled", [PAID[0], "payment_intent.canceled"]),
        ("payment_intent.requires_action", [PAID[0], "payment_intent.requires_action"]),
        (
            "payment_intent.amount_capturable_updated",
            [PAID[0], "charge.succeeded", "payment_intent.amount_capturable_updated"],
        ),
        (
            "charge.captured",
            [
                PAID[0],
                "charge.succeeded",
                "payment_intent.amount_capturable_updated",
                "charge.captured",
                "payment_intent.succeeded",
            ],
        ),
        ("charge.refunded", [*PAID, "refund.created", "charge.refunded"]),
        ("charge.dispute.created", [*PAID, "charge.dispute.created"]),
        ("charge.dispute.closed", [*PAID, "charge.dispute.created", "charge.dispute.closed"]),
    ],
)
async def test_what_stripes_command_line_triggers_happens(
    tmp_path: Path, event: str, told: list[str]
) -> None:
    async with stripe_serving() as stripe:
        running = await asyncio.create_subprocess_exec(
            PROGRAM,
            *("trigger", event, "--api-base", stripe.url, "--api-key", SECRET_KEY),
            env={
                "HOME": str(tmp_path),
                "PATH": os.environ.get("PATH", os.defpath),
                "STRIPE_CLI_TELEMETRY_OPTOUT": "1",
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(WAIT_SECONDS):
            said, _ = await running.communicate()

        assert running.returncode == 0, said.decode()
        assert stripe.told() == told
