"""A delivery has its answer before a gateway gives up waiting, though the database hangs."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, cast

import pytest

from app import webhooks
from app.gateways import GatewayRegistry
from app.gateways.sandbox import SandboxSettings, build
from app.webhook_watch import WebhookWatch
from app.webhooks import ANSWER_SECONDS_MAX, WebhookEndpoint
from tests.simulators.sandbox_world import SECRET_KEY, WEBHOOK_SECRET, signed_header

if TYPE_CHECKING:
    from app.settle import Settler

SLOWEST_SECONDS = 5.0
"""After these, Razorpay takes a delivery for failed."""


class Hangs:
    """A settler whose commit never comes back."""

    async def submit(self, _: object) -> None:
        """Wait for ever."""
        await asyncio.Event().wait()


class Outcomes(list[str]):
    """What was counted."""

    def webhook(self, _gateway: str, outcome: str, _seconds: float) -> None:
        """Count."""
        self.append(outcome)


def an_endpoint(counted: Outcomes) -> WebhookEndpoint:
    settings = SandboxSettings(
        api_base="http://127.0.0.1:9", secret_key=SECRET_KEY, webhook_secrets=(WEBHOOK_SECRET,)
    )
    return WebhookEndpoint(GatewayRegistry([build(settings)]), cast("Settler", Hangs()), counted)


async def answer_to(endpoint: WebhookEndpoint, method: str, body: bytes) -> list[Any]:
    """Send a delivery that is well signed, and return what is sent back."""
    signature = signed_header(body, int(time.time())).encode()
    scope = {
        "type": "http",
        "method": method,
        "path_params": {"gateway": "sandbox"},
        "request_id": b"r",
        "headers": [(b"sandbox-signature", signature)],
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:  # noqa: ANN401 - ASGI
        sent.append(message)

    await asyncio.wait_for(endpoint(scope, receive, send), 2)
    return sent


async def test_it_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ANSWER_SECONDS_MAX < SLOWEST_SECONDS
    monkeypatch.setattr(webhooks, "ANSWER_SECONDS_MAX", 0.05)
    counted = Outcomes()

    start, _ = await answer_to(an_endpoint(counted), "POST", b'{"id": "evt_1", "type": "payment.created"}')

    assert start["status"] == 503
    assert dict(start["headers"])[b"retry-after"] == b"1"
    assert counted == ["late"]


@pytest.mark.parametrize(("method", "times"), [("POST", 1), ("GET", 0)])
async def test_only_what_is_posted_is_a_delivery_that_fails(
    monkeypatch: pytest.MonkeyPatch, method: str, times: int
) -> None:
    monkeypatch.setattr(webhooks, "ANSWER_SECONDS_MAX", 0.05)
    noted: list[object] = []
    monkeypatch.setattr(WebhookWatch, "turned_away", lambda _, gateway: noted.append(gateway))

    await answer_to(an_endpoint(Outcomes()), method, b'{"id": "evt_1", "type": "payment.created"}')

    assert len(noted) == times
