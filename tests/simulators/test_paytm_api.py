"""The simulated Paytm as a foreign client finds it: strict about what the documentation says."""

from __future__ import annotations

import json
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx2
import paytmchecksum  # type: ignore[import-untyped]  # Paytm gives it none
import pytest

from app.simulators.kit import Control, ControlError, SimulatorConfig, serving
from app.simulators.paytm import PaytmSimulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.applications import Starlette

MID = "TESTMID00000000000001"
KEY = "0123456789abcdef"
ORDER = {
    "requestType": "Payment",
    "mid": MID,
    "websiteName": "WEBSTAGING",
    "orderId": "ORDER_1",
    "callbackUrl": "http://127.0.0.1:9/back",
    "txnAmount": {"value": "1.00", "currency": "INR"},
    "userInfo": {"custId": "CUST_1"},
}


class Client:
    """A merchant's program that signs by Paytm's own library."""

    def __init__(self, simulator: PaytmSimulator, http: httpx2.AsyncClient) -> None:
        self.simulator = simulator
        self.http = http

    async def call(self, path: str, body: object, *, key: str = KEY, **query: str) -> dict[str, Any]:
        """Make a signed call; return the answer's body, of which the signature is good."""
        written = json.dumps(body)
        head = {"signature": paytmchecksum.PaytmChecksum.generateSignature(written, key)}
        answer = await self.http.post(
            path, content=f'{{"head": {json.dumps(head)}, "body": {written}}}', params=query
        )
        assert answer.status_code == 200
        _, _, rest = answer.text.partition('"body":')
        signature = answer.json()["head"]["signature"]
        assert paytmchecksum.PaytmChecksum.verifySignature(rest[:-1], KEY, signature)
        told: dict[str, Any] = answer.json()["body"]
        return told

    async def open(self, **changes: object) -> dict[str, Any]:
        """Open an order."""
        body = {**ORDER, **changes}
        return await self.call(
            "/theia/api/v1/initiateTransaction", body, mid=MID, orderId=str(body["orderId"])
        )

    async def status(self) -> dict[str, Any]:
        """Ask for the order."""
        return await self.call("/v3/order/status", {"mid": MID, "orderId": "ORDER_1"})

    async def refund(self, ref_id: str, amount: str, **changes: object) -> dict[str, Any]:
        """Ask for money back."""
        transaction = self.simulator.book.orders["ORDER_1"].transaction_id
        body = {"mid": MID, "txnType": "REFUND", "orderId": "ORDER_1", "txnId": transaction}
        return await self.call("/refund/apply", {**body, "refId": ref_id, "refundAmount": amount, **changes})


@asynccontextmanager
async def paytm_open() -> AsyncIterator[Client]:
    made: list[PaytmSimulator] = []

    def make(url: str) -> Starlette:
        secrets = {"mid": MID, "merchant_key": KEY}
        made.append(PaytmSimulator(SimulatorConfig(control_key="control", secrets=secrets), url))
        return made[0].app()

    async with serving(make) as url, httpx2.AsyncClient(base_url=url, trust_env=False) as http:
        yield Client(made[0], http)


@pytest.fixture
async def paytm() -> AsyncIterator[Client]:
    async with paytm_open() as client:
        client.simulator.refund_seconds = None
        yield client


def result(told: dict[str, Any]) -> tuple[str, str]:
    info = told["resultInfo"]
    return info["resultStatus"], info["resultCode"]


async def test_an_order_is_opened_once_and_repeated_as_often_as_asked(paytm: Client) -> None:
    first, again = await paytm.open(), await paytm.open()

    assert (result(first), result(again)) == (("S", "0000"), ("S", "0002"))
    assert first["txnToken"] == again["txnToken"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"txnAmount": {"value": "0.00", "currency": "INR"}}, "2007"),
        ({"txnAmount": {"value": "1.005", "currency": "INR"}}, "2007"),
        ({"txnAmount": {"value": 1, "currency": "INR"}}, "2007"),
        ({"txnAmount": {"value": "NaN", "currency": "INR"}}, "2007"),
        ({"txnAmount": {"value": "1.00", "currency": "USD"}}, "2004"),
        ({"txnAmount": "1.00"}, "2004"),
        ({"orderId": "no spaces"}, "2004"),
        ({"orderId": "x" * 51}, "2004"),
        ({"userInfo": {}}, "2004"),
        ({"requestType": "NATIVE"}, "2004"),
        ({"mid": "ANOTHER"}, "2006"),
    ],
)
async def test_what_paytm_refuses_is_refused(paytm: Client, changes: dict[str, object], code: str) -> None:
    assert result(await paytm.open(**changes)) == ("F", code)
    assert paytm.simulator.book.orders == {}


async def test_another_key_is_refused(paytm: Client) -> None:
    told = await paytm.call(
        "/theia/api/v1/initiateTransaction", ORDER, key="f" * 16, mid=MID, orderId="ORDER_1"
    )

    assert result(told) == ("F", "2005")


@pytest.mark.parametrize("raw", ["", "[]", "{}", '{"head":{}}', '{"head":{},"body":[]}', "{", "null"])
async def test_nonsense_is_refused_and_breaks_nothing(paytm: Client, raw: str) -> None:
    for path in ("/theia/api/v1/initiateTransaction", "/theia/api/v1/processTransaction", "/v3/order/status"):
        answer = await paytm.http.post(path, content=raw)

        assert answer.status_code == 200
        assert answer.json()["body"]["resultInfo"]["resultStatus"] == "F"


async def test_an_order_that_nobody_began_to_pay_has_no_record(paytm: Client) -> None:
    await paytm.open()

    assert result(await paytm.status()) == ("NO_RECORD_FOUND", "334")


async def test_an_order_is_tried_once(paytm: Client) -> None:
    await paytm.open()
    paytm.simulator.pay("ORDER_1", Control.DECLINED, "upi")
    told = await paytm.status()

    assert result(told) == ("TXN_FAILURE", "227")
    assert (told["txnAmount"], told["paymentMode"], told["refundAmt"]) == ("1.00", "UPI", "0.00")
    with pytest.raises(ControlError, match="another order"):
        paytm.simulator.pay("ORDER_1", Control.SUCCEEDS, None)


async def test_a_paid_order_is_not_opened_again(paytm: Client) -> None:
    await paytm.open()
    paytm.simulator.pay("ORDER_1", Control.SUCCEEDS, None)

    assert result(await paytm.open()) == ("F", "325")


async def test_refunds_are_made_once_each_and_never_of_more_than_there_is(paytm: Client) -> None:
    await paytm.open()
    unpaid = await paytm.refund("R0", "1.00")
    paytm.simulator.pay("ORDER_1", Control.SUCCEEDS, None)
    answers = [
        await paytm.refund("R1", "0.00"),
        await paytm.refund("R2", "1.00"),
        await paytm.refund("R2", "1.00", txnId="1"),
        await paytm.refund("R 2", "1.00"),
    ]
    one = await paytm.refund("R3", "1.00")
    repeated = await paytm.refund("R3", "1.00")
    too_much = await paytm.refund("R4", "1.00")
    asked = await paytm.call("/v2/refund/status", {"mid": MID, "orderId": "ORDER_1", "refId": "R3"})
    nobody = await paytm.call("/v2/refund/status", {"mid": MID, "orderId": "ORDER_1", "refId": "R9"})

    assert result(unpaid)[0] == "NO_RECORD_FOUND"
    assert result(answers[0]) == ("F", "2007")
    assert result(answers[1]) == ("PENDING", "601")
    assert [result(answer)[1] for answer in answers[2:]] == ["627", "2004"]
    assert result(one) == ("TXN_FAILURE", "619")
    assert result(repeated) == ("TXN_FAILURE", "619")
    assert result(too_much) == ("TXN_FAILURE", "619")
    assert result(asked) == result(nobody) == ("TXN_FAILURE", "631")
    assert result(await paytm.refund("R2", "1.00")) == ("TXN_FAILURE", "617")


async def test_webhooks_are_signed_as_paytms_library_checks_them(paytm: Client) -> None:
    await paytm.open()
    paytm.simulator.pay("ORDER_1", Control.SUCCEEDS, None)
    await paytm.refund("R1", "1.00")
    form, refund = paytm.simulator.webhooks()
    fields = dict(httpx2.QueryParams(form.body.decode()))
    message = json.loads(refund.body)
    _, _, rest = refund.body.decode().partition(',"body":')

    checksum = fields.pop("CHECKSUMHASH")
    assert paytmchecksum.PaytmChecksum.verifySignature(fields, KEY, checksum)
    assert paytmchecksum.PaytmChecksum.verifySignature(rest[:-1], KEY, message["head"]["signature"])
    assert (fields["STATUS"], message["body"]["refId"]) == ("TXN_SUCCESS", "R1")


@pytest.mark.parametrize(("button", "status"), [("pay", "TXN_SUCCESS"), ("decline", "TXN_FAILURE")])
async def test_a_shopper_pays_or_declines_on_the_page_and_goes_back(
    paytm: Client, button: str, status: str
) -> None:
    token = (await paytm.open())["txnToken"]
    form = {"orderId": "ORDER_1", "txnToken": token, "paymentMode": "NB", "outcome": button}
    page = await paytm.http.post("/theia/api/v1/showPaymentPage", data={**form, "mid": MID})
    stranger = await paytm.http.post("/theia/api/v1/showPaymentPage", data={**form, "txnToken": "x"})

    back = await paytm.http.post("/theia/api/v1/showPaymentPage/pay", data=form)
    again = await paytm.http.post("/theia/api/v1/showPaymentPage/pay", data=form)

    assert "₹1.00" in page.text
    assert (stranger.status_code, again.status_code) == (404, 404)
    assert "action='http://127.0.0.1:9/back'" in back.text
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', back.text))
    checksum = fields.pop("CHECKSUMHASH")
    assert fields["STATUS"] == status
    assert paytmchecksum.PaytmChecksum.verifySignature(fields, KEY, checksum)
