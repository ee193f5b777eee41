"""Whether a webhook is PayPal's: found out here with its certificate, or by asking PayPal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from app.gateways.contract import SignatureError, Verified
from app.gateways.paypal.certificates import Certificates
from app.gateways.paypal.options import WebhookCheck
from app.gateways.paypal.signature import ALGORITHM, Transmission, read_transmission

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from app.gateways.paypal.calls import Calls
    from app.gateways.paypal.options import PayPalSettings


class Verification:
    """Checks deliveries in the way that the settings choose."""

    def __init__(self, settings: PayPalSettings, calls: Calls) -> None:
        self._settings = settings
        self._calls = calls
        self._certificates = Certificates(settings)

    async def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Verified:
        """Check one delivery.

        Raises:
            SignatureError: it does not prove that PayPal sent it.
            GatewayError: that can't be found out now.
        """
        webhook_id = self._settings.webhook_id
        if not webhook_id:
            raise SignatureError("no_webhook_id")
        transmission = read_transmission(headers)
        if self._settings.webhook_check is WebhookCheck.POSTBACK:
            # A forger's delivery is to cost a call only when it looks like PayPal's.
            self._certificates.check_address(transmission.certificate_url)
            believed = await self._ask(transmission, webhook_id, body)
            return Verified.by(lambda _: _insist(believed=believed), body, headers)
        key = await self._certificates.key(transmission.certificate_url, now)
        return Verified.by(lambda raw: transmission.check(raw, webhook_id, key), body, headers)

    async def aclose(self) -> None:
        """Close connections."""
        await self._certificates.aclose()

    async def _ask(self, transmission: Transmission, webhook_id: str, body: bytes) -> bool:
        """Ask PayPal, which counts over the event as it is written: it goes in as text, not read and written anew.

        Source: developer.paypal.com/docs/api/webhooks/v1, "Verify webhook signature", read in November 2026.
        """
        try:
            orjson.loads(body)  # whatever is no JSON could say more than an event
        except orjson.JSONDecodeError:
            raise SignatureError("not_json") from None
        asked = orjson.dumps(
            {
                "auth_algo": ALGORITHM,
                "cert_url": transmission.certificate_url,
                "transmission_id": transmission.id,
                "transmission_sig": transmission.signature,
                "transmission_time": transmission.time,
                "webhook_id": webhook_id,
            }
        )
        spliced = asked[:-1] + b',"webhook_event":' + body + b"}"
        answer = await self._calls.post_raw("/v1/notifications/verify-webhook-signature", spliced)
        return answer.get("verification_status") == "SUCCESS"


def _insist(*, believed: bool) -> None:
    if not believed:
        raise SignatureError("mismatch")
