"""The client of the control paths, for tests and for `orderpulse chaos`."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import httpx2

from app.simulators.kit.controls import ControlError, PaymentTruth, RefundTruth, Webhook
from app.simulators.kit.tls import trusted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.simulators.kit.controls import Control


@dataclass
class ControlClient:
    """Controls one simulator. Every method raises ControlError when what it asks for makes no sense at present."""

    url: str
    control_key: str = field(repr=False)
    _http: httpx2.AsyncClient = field(init=False, repr=False)

    async def __aenter__(self) -> Self:
        self._http = httpx2.AsyncClient(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.control_key}"},
            timeout=30.0,
            trust_env=False,
            verify=trusted(),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def pay(self, reference: str, outcome: Control, method: str | None = None) -> None:
        """Have a shopper pay."""
        await self._ask("POST", "pay", {"reference": reference, "outcome": outcome, "method": method})

    async def mischarge(self, reference: str, amount_minor: int) -> None:
        """Have a shopper pay another amount than was asked."""
        await self._ask("POST", "mischarge", {"reference": reference, "amount_minor": amount_minor})

    async def resolve(self, reference: str, outcome: Control) -> None:
        """Have the bank decide, or change its mind."""
        await self._ask("POST", "resolve", {"reference": reference, "outcome": outcome})

    async def dispute(self, reference: str) -> str:
        """Have the shopper dispute; return the dispute's id."""
        dispute: str = (await self._ask("POST", "dispute", {"reference": reference}))["dispute"]
        return dispute

    async def close_dispute(self, reference: str, outcome: Control) -> None:
        """Have the newest dispute end."""
        await self._ask("POST", "dispute/close", {"reference": reference, "outcome": outcome})

    async def fail_refund(self, reference: str) -> None:
        """Have a refund fail."""
        await self._ask("POST", "refund/fail", {"reference": reference})

    async def truth(self) -> list[PaymentTruth]:
        """Return what really happened."""
        return [_truth(shown) for shown in (await self._ask("GET", "truth"))["payments"]]

    async def webhooks(self) -> list[Webhook]:
        """Return every event, signed now."""
        return [_webhook(shown) for shown in (await self._ask("GET", "events"))["data"]]

    async def deliver(self, event_id: str) -> None:
        """Have an event posted once more."""
        await self._ask("POST", f"events/{event_id}/deliver")

    async def signed(self, event_id: str, body: bytes) -> Webhook:
        """Return an event with another body, as the gateway would sign it."""
        sent = {"body": base64.b64encode(body).decode()}
        return _webhook(await self._ask("POST", f"events/{event_id}/sign", sent))

    async def rotate(self) -> dict[str, str]:
        """Have webhooks signed with a new secret; return the settings that change."""
        settings: dict[str, str] = (await self._ask("POST", "rotate"))["settings"]
        return settings

    async def set_chaos(self, **knobs: Any) -> None:  # noqa: ANN401 - JSON
        """Have things go wrong; without knobs, nothing more does."""
        await self._ask("PUT", "chaos", knobs)

    async def operations(self) -> list[str]:
        """Return what can be made to fail."""
        operations: list[str] = (await self._ask("GET", "chaos"))["operations"]
        return operations

    async def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        answer = await self._http.request(method, f"/_sim/{path}", json=body)
        if not answer.is_success:
            raise ControlError(answer.text, answer.status_code)
        shown: dict[str, Any] = answer.json()
        return shown


def _webhook(shown: Mapping[str, Any]) -> Webhook:
    return Webhook(**{**shown, "body": base64.b64decode(shown["body"])})


def _truth(shown: Mapping[str, Any]) -> PaymentTruth:
    refunds = tuple(RefundTruth(**refund) for refund in shown["refunds"])
    return PaymentTruth(**{**shown, "refunds": refunds})
