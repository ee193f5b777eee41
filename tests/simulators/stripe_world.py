"""A running simulator of Stripe, its merchant, and whoever plays shopper and bank."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx2
import orjson

from app.simulators.kit import SimulatorConfig, serving
from app.simulators.stripe import StripeSimulator
from tests.simulators.sandbox_world import DEADLINE_SECONDS, TLS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.simulators.sandbox_world import Merchant

SECRET_KEY: Final = "sk_test_made_up_for_tests"
PUBLISHABLE_KEY: Final = "pk_test_made_up_for_tests"
WEBHOOK_SECRET: Final = "whsec_made_up_for_tests"
CONTROL_KEY: Final = "control"
SECRETS: Final = {
    "secret_key": SECRET_KEY,
    "publishable_key": PUBLISHABLE_KEY,
    "webhook_secret": WEBHOOK_SECRET,
}
ENDIVE: Final = "2026-10-28.endive"
RETURN_URL: Final = "http://127.0.0.1:9/back?order=7"
INTENTS: Final = "/v1/payment_intents"


@dataclass(frozen=True, slots=True)
class Stripe:
    """A running simulator: `api` speaks as the merchant, `browser` as Stripe.js, `control` as shoppers and banks."""

    simulator: StripeSimulator
    url: str
    api: httpx2.AsyncClient
    browser: httpx2.AsyncClient
    control: httpx2.AsyncClient

    async def get(self, path: str, **params: str | int) -> dict[str, Any]:
        """Ask the API and expect success."""
        return _body(await self.api.get(path, params=params))

    async def post(self, path: str, key: str | int = "", **form: str | int) -> dict[str, Any]:
        """Call the API and expect success. A parameter's `__` stands for what is nested: `card__number`."""
        return _body(await self.send(path, key, **form))

    async def send(self, path: str, key: str | int = "", **form: str | int) -> httpx2.Response:
        """Call the API, whatever comes of it."""
        headers = {"Idempotency-Key": str(key)} if key else {}
        return await self.api.post(path, data=nested(form), headers=headers)

    async def refusal(self, path: str, **form: str | int) -> tuple[int, dict[str, Any]]:
        """Call the API and expect a refusal: its status and error."""
        answer = await self.send(path, **form)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["error"]

    async def intent(self, **more: str | int) -> dict[str, Any]:
        """Open a payment intent of 499 rupees."""
        return await self.post(INTENTS, **{"amount": 49900, "currency": "inr", **more})

    async def paid(self, card: str | int = "pm_card_visa", **more: str | int) -> dict[str, Any]:
        """Open one and confirm it with a card."""
        opened = await self.intent(allowed_payment_method_types__0="card", **more)
        return await self.post(f"{INTENTS}/{opened['id']}/confirm", payment_method=card)

    async def held(self, **more: str | int) -> dict[str, Any]:
        """Open one that is captured by hand and confirm it."""
        return await self.paid(capture_method="manual", **more)

    async def sim(self, path: str, **body: object) -> dict[str, Any]:
        """Play a shopper or a bank, and expect that it may be."""
        return _body(await self.control.post(f"/_sim/{path}", json=body))

    async def sim_status(self, path: str, **body: object) -> int:
        """Play one, whatever comes of it; return the status."""
        return (await self.control.post(f"/_sim/{path}", json=body)).status_code

    async def chaos(self, **settings: object) -> None:
        """Ask for misbehaviour."""
        _body(await self.control.put("/_sim/chaos", json=settings))

    async def truth(self) -> list[dict[str, Any]]:
        """Return what really happened."""
        payments: list[dict[str, Any]] = _body(await self.control.get("/_sim/truth"))["payments"]
        return payments

    def told(self) -> list[str]:
        """Return the events' types in order."""
        return [event.type for event in self.simulator.events.values()]

    def bodies(self) -> list[dict[str, Any]]:
        """Return every event's body."""
        return [orjson.loads(event.body) for event in self.simulator.events.values()]


def nested(form: dict[str, str | int]) -> dict[str, str]:
    """Return a form as Stripe's clients write it: `a__b__0` is `a[b][0]`."""
    written = {}
    for name, value in form.items():
        first, *rest = name.split("__")
        written[first + "".join(f"[{step}]" for step in rest)] = str(value)
    return written


@asynccontextmanager
async def stripe_serving(merchant: Merchant | None = None) -> AsyncIterator[Stripe]:
    """Run a simulator on a free port."""
    config = SimulatorConfig(
        control_key=CONTROL_KEY, webhook_url=merchant.url if merchant else None, secrets=SECRETS
    )
    simulators: list[StripeSimulator] = []

    def make(url: str) -> Any:  # noqa: ANN401 - the simulator's application
        simulators.append(StripeSimulator(config, url))
        return simulators[0].app()

    async with serving(make) as url:
        options: dict[str, Any] = {
            "base_url": url,
            "timeout": DEADLINE_SECONDS,
            "trust_env": False,
            "verify": TLS,
        }
        secret = {"Authorization": f"Bearer {SECRET_KEY}", "Stripe-Version": ENDIVE}
        public = {"Authorization": f"Bearer {PUBLISHABLE_KEY}"}
        control = {"Authorization": f"Bearer {CONTROL_KEY}"}
        async with (
            httpx2.AsyncClient(headers=secret, **options) as api,
            httpx2.AsyncClient(headers=public, **options) as browser,
            httpx2.AsyncClient(headers=control, **options) as controlling,
        ):
            yield Stripe(simulators[0], url, api, browser, controlling)


def _body(answer: httpx2.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body
