"""The staff's side: the public API, every call repeated under its key until it has an outcome."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

import httpx2

from app.tls import trusted

if TYPE_CHECKING:
    from collections.abc import Mapping

INSIST_SECONDS_MAX: Final = 240.0
"""Longer than a gateway that fails some times in a row is left alone, all rests together."""
AGAIN_SECONDS: Final = 0.1
PAID_SECONDS_MAX: Final = 15.0
_FOR_NOW: Final = frozenset({"GATEWAY_UNAVAILABLE", "IDEMPOTENCY_CONCURRENT_REQUEST", "RATE_LIMITED"})
_WANTED: Final = {
    "orderCreate": ("OrderCreateInput", "order { id }"),
    "orderCancel": ("OrderCancelInput", "order { id }"),
    "paymentCreate": ("PaymentCreateInput", "payment { id reference }"),
    "refundCreate": ("RefundCreateInput", "refund { id }"),
}
_OPTIONS: Final = "query ($id: ID!) { paymentGateways(orderId: $id) { gateway methods } }"
_PAYMENT: Final = "query ($id: ID!) { payment(id: $id) { status } }"
_SYNC: Final = "mutation ($id: ID!) { paymentSync(id: $id) { errors { code } } }"


class StuckError(Exception):
    """A call has no outcome though it was repeated for minutes."""


@dataclass
class Shop:
    """Calls the API as staff."""

    url: str
    staff_key: str = field(repr=False)
    _http: httpx2.AsyncClient = field(init=False, repr=False)

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"Bearer {self.staff_key}"}
        self._http = httpx2.AsyncClient(
            base_url=self.url, headers=headers, timeout=30.0, trust_env=False, verify=trusted()
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def call(self, name: str, key: str, **given: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Call a mutation until it has an outcome; return its payload, refusals included."""
        input_type, wanted = _WANTED[name]
        query = f"mutation ($input: {input_type}!) {{ {name}(input: $input) {{ {wanted} errors {{ code message }} }} }}"
        payload: dict[str, Any] = (await self.run(query, {"input": {**given, "idempotencyKey": key}}))[name]
        return payload

    async def methods(self, order_id: str, gateway: str) -> list[str]:
        """Return what a gateway takes for an order."""
        options = (await self.run(_OPTIONS, {"id": order_id}))["paymentGateways"]
        return next((option["methods"] for option in options if option["gateway"] == gateway), [])

    async def settle(self, payment_id: str) -> None:
        """Have the gateway asked until a payment is paid, for a quarter of a minute at most."""
        ends_at = time.monotonic() + PAID_SECONDS_MAX
        while time.monotonic() < ends_at:
            if (await self.run(_PAYMENT, {"id": payment_id}))["payment"]["status"] == "SUCCEEDED":
                return
            await self.run(_SYNC, {"id": payment_id})

    async def run(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Run an operation until it has an outcome.

        Raises:
            StuckError: it has none.
        """
        last = ""
        try:
            async with asyncio.timeout(INSIST_SECONDS_MAX):
                while True:
                    answer = await self._try(query, variables)
                    if isinstance(answer, dict):
                        return answer
                    last = answer
                    await asyncio.sleep(AGAIN_SECONDS)
        except TimeoutError:
            raise StuckError(f"{query.partition('(input')[0]} has no outcome: {last}") from None

    async def _try(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any] | str:
        """Return the data, or why there is none yet."""
        try:
            answer = await self._http.post("/graphql", json={"query": query, "variables": variables})
            shown = answer.json()
        except (httpx2.HTTPError, ValueError) as error:
            return repr(error)
        if shown.get("errors"):
            return str(shown["errors"])
        data: dict[str, Any] = shown["data"]
        payloads = [payload for payload in data.values() if isinstance(payload, dict)]
        codes = {error["code"] for payload in payloads for error in payload.get("errors") or ()}
        return ", ".join(codes) if codes & _FOR_NOW else data
