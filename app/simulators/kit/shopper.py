"""The shopper's side of any simulated payment, to be played by a person.

It is the phone that scanned a code, or the form that a gateway's own script would show in the shop.

    GET, POST  /_shopper/{reference}   ?way=upi&back=<where the shopper goes afterwards>

A UPI app asks for its PIN by itself, so that with `way=upi` there is no bank that asks first.
Whoever knows the reference may pay, as at a gateway.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.simulators.kit.controls import Control, ControlError, read_body
from app.simulators.kit.display import show_amount
from app.simulators.kit.page import choices, simulated_page

if TYPE_CHECKING:
    from starlette.requests import Request

    from app.simulators.kit.controls import Controls, PaymentTruth

PATH: Final = "/_shopper/{reference}"
_NAMES: Final = {"paypal": "PayPal"}
_PAY: Final = {
    "SUCCEEDS": "Pay",
    "ASKS": "Pay, and have the bank ask first",
    "DECLINED": "Have it declined",
}
_ANSWER: Final = {"yes": "Yes, it is me", "no": "No"}
_ANSWERS: Final = {"yes": Control.SUCCEEDS, "no": Control.DECLINED}


class Shopper:
    """The pages of one simulated account."""

    def __init__(self, name: str, simulator: Controls) -> None:
        self._title = _NAMES.get(name, name.capitalize())
        self._simulator = simulator

    def routes(self) -> list[Route]:
        """Return the paths."""
        return [Route(PATH, self._show, methods=["GET"]), Route(PATH, self._play, methods=["POST"])]

    async def _show(self, request: Request) -> Response:
        payment = self._payment(request)
        if payment is None:
            return self._page(
                "There is no such payment", "<p>The simulator was started anew, maybe.</p>", 404
            )
        if payment.captured_minor or payment.held_minor or payment.approved:
            return self._page("This is paid", self._back(request))
        return self._page("The shop asks for", self._amount(payment) + choices("choice", _offered(request)))

    async def _play(self, request: Request) -> Response:
        payment = self._payment(request)
        form = dict(parse_qsl((await read_body(request)).decode("utf-8", "replace"), max_num_fields=10))
        choice = form.get("choice", "")
        if payment is None or choice not in (*_PAY, *_ANSWERS):
            return self._page("There is no such payment", "", 404)
        try:
            self._decide(payment.reference, choice)
        except ControlError as error:
            return self._page("That can't be done", f"<p>{escape(str(error))}</p>{self._back(request)}", 409)
        if choice == Control.ASKS:
            return self._page("Is this you?", self._amount(payment) + choices("choice", _ANSWER))
        back = _web(request.query_params.get("back", ""))
        if back:
            return RedirectResponse(back, 303)
        done = choice in (Control.SUCCEEDS, "yes")
        return self._page("Paid" if done else "Declined", "<p>The shop's page has heard of it by itself.</p>")

    def _decide(self, reference: str, choice: str) -> None:
        """Pay; where a step is open already, end that one."""
        if choice in _ANSWERS:
            self._simulator.resolve(reference, _ANSWERS[choice])
            return
        self._simulator.pay(reference, Control(choice), None)

    def _payment(self, request: Request) -> PaymentTruth | None:
        reference = request.path_params["reference"]
        return next((each for each in self._simulator.truth() if each.reference == reference), None)

    def _page(self, title: str, content: str, status: int = 200) -> Response:
        return simulated_page(self._title, title, content, status)

    def _amount(self, payment: PaymentTruth) -> str:
        return f'<p class="amount">{escape(show_amount(payment.amount_minor, payment.currency))}</p>'

    def _back(self, request: Request) -> str:
        back = _web(request.query_params.get("back", ""))
        return f'<a class="act" href="{escape(back)}">Back to the shop</a>' if back else ""


def _offered(request: Request) -> dict[str, str]:
    by_upi = request.query_params.get("way") == "upi"
    return {choice: label for choice, label in _PAY.items() if not (by_upi and choice == Control.ASKS)}


def _web(address: str) -> str:
    """Return an address that a browser may be sent to, or nothing."""
    return address if urlsplit(address).scheme in ("http", "https") else ""
