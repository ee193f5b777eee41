"""A delivery has its answer before a gateway gives up waiting, though the database hangs."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, cast

from app import webhooks
from app.gateways import GatewayRegistry
from app.gateways.sandbox import SandboxSettings, build
from app.webhooks import ANSWER_SECONDS_MAX, WebhookEndpoint
from tests.simulators.sandbox_world import SECRET_KEY, WEBHOOK_SECRET, signed_header

if TYPE_CHECKING:
    import pytest

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


async def test_it_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ANSWER_SECONDS_MAX < SLOWEST_SECONDS
    monkeypatch.setattr(webhooks, "ANSWER_SECONDS_MAX", 0.05)
    body = b'{"id": "evt_1", "type": "payment.created"}'
    settings = SandboxSettings(
        api_base="http://127.0.0.1:9", secret_key=SECRET_KEY, webhook_secrets=(WEBHOOK_SECRET,)
    )
    counted = Outcomes()
    endpoint = WebhookEndpoint(GatewayRegistry([build(settings)]), cast("Settler", Hangs()), counted)
    signature = signed_header(body, int(time.time())).encode()
    scope = {
        "type": "http",
        "method": "POST",
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

    assert sent[0]["status"] == 503
    assert dict(sent[0]["headers"])[b"retry-after"] == b"1"
    assert counted == ["late"]
