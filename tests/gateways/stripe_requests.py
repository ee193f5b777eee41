"""What a shop asks of Stripe, and a way to ask it of a server that plays a script."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from app.domain.money import Money
from app.domain.states import CaptureMethod
from app.gateways.contract import (
    CaptureRequest,
    CreateRequest,
    GatewayError,
    PaymentHandle,
    RefundRequest,
)
from app.gateways.stripe import StripeGateway, build
from tests.gateways.scripted_http import Answer, ScriptedServer
from tests.gateways.stripe_objects import (
    INTENT,
    ORDER_ID,
    PAYMENT_ID,
    REFUND_ID,
    SETTINGS,
    charge,
    intent,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.gateways.scripted_http import Behaviour

HANDLE: Final = PaymentHandle(
    payment_id=PAYMENT_ID,
    reference=INTENT,
    amount=Money(1000, "EUR"),
    capture_method=CaptureMethod.AUTOMATIC,
)
CREATE: Final = CreateRequest(
    payment_id=PAYMENT_ID,
    order_id=ORDER_ID,
    order_number="1001",
    amount=Money(1000, "EUR"),
    capture_method=CaptureMethod.AUTOMATIC,
    method=None,
    return_url=None,
    customer_email="a@example.com",
    idempotency_key="key-1",
)
CAPTURE: Final = CaptureRequest(payment=HANDLE, amount=Money(400, "EUR"), idempotency_key="key-2")
REFUND: Final = RefundRequest(
    payment=HANDLE, refund_id=REFUND_ID, amount=Money(400, "EUR"), reason=None, idempotency_key="key-3"
)
SUCCEEDED: Final = intent("succeeded", amount_received=1000, payment_method="pm_1", latest_charge=charge())


def gateway_at(url: str, **changes: Any) -> StripeGateway:  # noqa: ANN401 - settings of any type
    quick: dict[str, Any] = {"timeout_seconds": 1.0, "max_network_retries": 0, "retry_delay_seconds": 0.001}
    return build(replace(SETTINGS, api_base=url, **{**quick, **changes}))


async def played(
    script: list[Behaviour],
    call: Callable[[StripeGateway], Awaitable[object]],
    **changes: Any,  # noqa: ANN401 - settings of any type
) -> tuple[Any, ScriptedServer]:
    """Return what a call gave or raised, and the server that saw it."""
    async with ScriptedServer(script).running() as server:
        gateway = gateway_at(server.url, **changes)
        try:
            return await call(gateway), server
        except GatewayError as error:
            return error, server
        finally:
            await gateway.aclose()


def error_answer(status: int, headers: tuple[tuple[str, str], ...] = (), **error: object) -> Answer:
    return Answer({"error": error}, status, headers)
