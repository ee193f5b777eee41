"""A running simulator of Razorpay, its merchant, and whoever plays shopper and bank."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx2
import orjson

from app.simulators.kit import SimulatorConfig, serving
from app.simulators.razorpay import RazorpaySimulator
from tests.simulators.sandbox_world import DEADLINE_SECONDS, TLS, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.simulators.sandbox_world import Merchant

KEY_ID: Final = "rzp_test_made1up2for3"
KEY_SECRET: Final = "a_key_secret_for_tests"
WEBHOOK_SECRET: Final = "a_webhook_secret_for_tests"
CONTROL_KEY: Final = "control"
SECRETS: Final = {"key_id": KEY_ID, "key_secret": KEY_SECRET, "webhook_secret": WEBHOOK_SECRET}
CAPTURE_MANUALLY: Final = {
    "capture": "manual",
    "capture_options": {"manual_expiry_period": 7200, "refund_speed": "normal"},
}


@dataclass(frozen=True, slots=True)
class Razorpay:
    """A running simulator: `api` speaks as the merchant, `control` as shoppers and banks."""

    simulator: RazorpaySimulator
    url: str
    api: httpx2.AsyncClient
    control: httpx2.AsyncClient

    async def get(self, path: str, **params: str | int) -> dict[str, Any]:
        """Ask the API and expect success."""
        return _body(await self.api.get(path, params=params))

    async def post(
        self, path: str, body: dict[str, Any] | None = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """Call the API and expect success."""
        return _body(await self.api.post(path, json=body or {}, headers=headers))

    async def refusal(
        self, path: str, body: dict[str, Any] | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, str]:
        """Call the API and expect a refusal: its status and description."""
        answer = await self.api.post(path, json=body or {}, headers=headers)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["error"]["description"]

    async def order(self, **more: object) -> dict[str, Any]:
        """Open an order of 499 rupees."""
        return await self.post("/v1/orders", {"amount": 49900, "currency": "INR", **more})

    async def sim(self, path: str, **body: object) -> dict[str, Any]:
        """Play a shopper or a bank, and expect that it may be."""
        return _body(await self.control.post(f"/_sim/{path}", json=body))

    async def sim_status(self, path: str, **body: object) -> int:
        """Play one, whatever comes of it; return the status."""
        return (await self.control.post(f"/_sim/{path}", json=body)).status_code

    async def paid(
        self, outcome: str = "SUCCEEDS", method: str | None = None, **more: object
    ) -> dict[str, Any]:
        """Open an order and have a shopper pay it; return the payment."""
        order = await self.order(**more)
        await self.sim("pay", reference=order["id"], outcome=outcome, method=method)
        return (await self.payments(order))[-1]

    async def payments(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        """Return an order's payments."""
        payments: list[dict[str, Any]] = (await self.get(f"/v1/orders/{order['id']}/payments"))["items"]
        return payments

    async def chaos(self, **settings: object) -> None:
        """Ask for misbehaviour."""
        _body(await self.control.put("/_sim/chaos", json=settings))

    async def truth(self) -> list[dict[str, Any]]:
        """Return what really happened."""
        payments: list[dict[str, Any]] = _body(await self.control.get("/_sim/truth"))["payments"]
        return payments

    def bodies(self) -> list[dict[str, Any]]:
        """Return every event's body."""
        return [orjson.loads(event.body) for event in self.simulator.events.values()]

    def told(self) -> list[str]:
        """Return the events' names in order."""
        return [event.type for event in self.simulator.events.values()]


async def refund_is(razorpay: Razorpay, refund_id: str, status: str) -> dict[str, Any]:
    """Wait until a refund has a status, and return it."""
    return await until(lambda: razorpay.get(f"/v1/refunds/{refund_id}"), lambda r: r["status"] == status)


@asynccontextmanager
async def razorpay_serving(merchant: Merchant | None = None) -> AsyncIterator[Razorpay]:
    """Run a simulator on a free port."""
    config = SimulatorConfig(
        control_key=CONTROL_KEY, webhook_url=merchant.url if merchant else None, secrets=SECRETS
    )
    simulators: list[RazorpaySimulator] = []

    def make(url: str) -> Any:  # noqa: ANN401 - the simulator's application
        simulators.append(RazorpaySimulator(config, url))
        return simulators[0].app()

    async with serving(make) as url:
        options: dict[str, Any] = {
            "base_url": url,
            "timeout": DEADLINE_SECONDS,
            "trust_env": False,
            "verify": TLS,
        }
        keys = httpx2.BasicAuth(KEY_ID, KEY_SECRET)
        key = {"Authorization": f"Bearer {CONTROL_KEY}"}
        async with (
            httpx2.AsyncClient(auth=keys, **options) as api,
            httpx2.AsyncClient(headers=key, **options) as control,
        ):
            yield Razorpay(simulators[0], url, api, control)


def _body(answer: httpx2.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body
