"""Asking Stripe: for a payment intent, for everything that belongs to one, and for events."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from app.gateways.contract import GatewayError
from app.gateways.stripe.backlog import PAGE_SIZE
from app.gateways.stripe.events import RECOVERED_TYPES
from app.gateways.stripe.fields import Json, id_of, own_id, part

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from uuid import UUID

    import stripe

    from app.gateways.stripe.calls import Calls

_PAGES_MAX: Final = 10
"""Pages of refunds or of disputes of one payment."""


class Reader:
    """Reads one account. `all_types`: its simulator can't be asked for some types of events alone."""

    def __init__(self, api: stripe.V1Services, calls: Calls, *, all_types: bool) -> None:
        self._api = api
        self._calls = calls
        self._types: Mapping[str, Any] = {} if all_types else {"types": list(RECOVERED_TYPES)}

    async def intent(self, reference: str) -> dict[str, Any]:
        """Return a payment intent with its latest charge."""
        return await self._calls.ask(
            "payment_intent",
            lambda: self._api.payment_intents.retrieve_async(reference, {"expand": ["latest_charge"]}),
        )

    async def belongings(self, intent: Json, reference: str) -> list[Json]:
        """Return the refunds and the disputes of a payment intent."""
        found: list[Json] = []
        if id_of(intent, "latest_charge"):
            found += await self._all(self._api.refunds.list_async, reference)
        if part(intent, "latest_charge").get("disputed") is True:
            found += await self._all(self._api.disputes.list_async, reference)
        return found

    async def intent_if_told(self, reference: str) -> dict[str, Any] | None:
        """Return a payment intent, or None when it can't be had now."""
        with suppress(GatewayError):
            return await self.intent(reference)
        return None

    async def refund_if_told(self, reference: str, refund_id: UUID) -> dict[str, Any] | None:
        """Return the refund of a payment intent that carries our id, or None when there is none or it can't be had."""
        with suppress(GatewayError):
            refunds = await self._all(self._api.refunds.list_async, reference)
            return next((each for each in refunds if own_id(each, "refund_id") == refund_id), None)
        return None

    async def events(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return one page of events."""
        parameters: Any = {**asked, **self._types}
        return await self._calls.ask("list", lambda: self._api.events.list_async(parameters))

    async def _all(
        self, list_async: Callable[..., Awaitable[stripe.StripeObject]], reference: str
    ) -> list[dict[str, Any]]:
        """Return everything of one kind that belongs to a payment intent."""
        found: list[dict[str, Any]] = []
        parameters: dict[str, Any] = {"payment_intent": reference, "limit": PAGE_SIZE}
        for _ in range(_PAGES_MAX):
            page = await self._calls.ask("list", partial(list_async, parameters))
            found += page["data"]
            if not page.get("has_more") or not page["data"]:
                break
            parameters = {**parameters, "starting_after": page["data"][-1]["id"]}
        return found
