"""The checkout page as any browser without scripts meets it."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.simulators.sandbox_world import RETURN_URL, TLS, sandbox_serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.simulators.sandbox_world import Sandbox

GOOD = {"number": "4242 4242 4242 4242", "expiry": "12 / 40", "cvc": "123"}


@pytest.fixture
async def shopper(sandbox: Sandbox) -> AsyncIterator[httpx2.AsyncClient]:
    """Return a client without the secret key."""
    async with httpx2.AsyncClient(base_url=sandbox.url, trust_env=False, verify=TLS) as client:
        yield client


def submission_of(page: str) -> str:
    found = set(re.findall(r'name="submission" value="([^"]+)"', page))
    assert len(found) == 1
    return str(found.pop())


async def open_page(shopper: httpx2.AsyncClient, payment: dict[str, Any]) -> str:
    answer = await shopper.get(f"/checkout/{payment['id']}")
    assert answer.status_code == 200
    return answer.text


async def submit(shopper: httpx2.AsyncClient, payment: dict[str, Any], **fields: str) -> httpx2.Response:
    """Fill in the form of a fresh page and send it."""
    page = await open_page(shopper, payment)
    form = {"submission": submission_of(page), **fields}
    return await shopper.post(f"/checkout/{payment['id']}/pay", data=form)


async def test_the_page_says_what_is_paid_to_whom_and_that_it_is_a_test(
    sandbox: Sandbox, shopper: httpx2.AsyncClient
) -> None:
    payment = await sandbox.create(amount=14999900, metadata={"order_number": "K7-<4>"})

    page = await open_page(shopper, payment)

    assert "TEST MODE" in page
    assert "₹1,49,999.00" in page
    assert "Pay Tea &amp; &lt;Spice&gt;" in page
    assert "Order K7-&lt;4&gt;" in page
    assert len(re.findall(r'<button name="card" value="\d{16}">', page)) == 9


async def test_the_page_runs_no_script_and_loads_nothing_from_elsewhere(
    sandbox: Sandbox, shopper: httpx2.AsyncClient
) -> None:
    payment = await sandbox.create()

    answer = await shopper.get(f"/checkout/{payment['id']}")

    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' http://127.0.0.1:9; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert re.findall(r"<script|<style| style=| on\w+=", answer.text) == []
    linked = re.findall(r'(?:src|href)="(/[^"]+)"', answer.text)
    assert set(linked) == {"/assets/checkout.css", "/assets/mark.svg"}
    for path in (*linked, "/assets/dunes.svg"):
        assert (await shopper.get(path)).status_code == 200


@pytest.mark.parametrize("how", ["typed", "chosen"])
async def test_a_good_card_pays_and_leads_back_to_the_shop(
    sandbox: Sandbox, shopper: httpx2.AsyncClient, how: str
) -> None:
    payment = await sandbox.create()
    fields = GOOD if how == "typed" else {"card": "4242424242424242"}

    answer = await submit(shopper, payment, **fields)

    assert (answer.status_code, answer.headers["location"]) == (303, f"{RETURN_URL}&payment={payment['id']}")
    assert (await sandbox.payment(payment))["status"] == "succeeded"
    assert "received ₹499.00" in await open_page(shopper, payment)


async def test_a_shop_without_a_return_address_gets_a_page_that_says_paid(
    sandbox: Sandbox, shopper: httpx2.AsyncClient
) -> None:
    payment = await sandbox.create(return_url=None)

    answer = await submit(shopper, payment, **GOOD)

    assert (answer.status_code, answer.headers["location"]) == (303, payment["checkout_url"])
    assert "Back to the shop" not in await open_page(shopper, payment)


async def test_a_decline_says_why_and_leaves_the_page_usable(
    sandbox: Sandbox, shopper: httpx2.AsyncClient
) -> None:
    payment = await sandbox.create()

    declined = await submit(shopper, payment, card="4000000000009995")
    page = await open_page(shopper, payment)
    paid = await submit(shopper, payment, **GOOD)

    assert (declined.status_code, declined.headers["location"]) == (303, payment["checkout_url"])
    assert "There is not enough money on the card." in page
    assert paid.headers["location"].startswith(RETURN_URL)
    now = await sandbox.payment(payment)
    assert [attempt["status"] for attempt in now["attempts"]] == ["failed", "succeeded"]


async def test_a_form_sent_twice_pays_once(sandbox: Sandbox, shopper: httpx2.AsyncClient) -> None:
    payment = await sandbox.create()
    form = {"submission": submission_of(await open_page(shopper, payment)), **GOOD}

    answers = await asyncio.gather(
        *(shopper.post(f"/checkout/{payment['id']}/pay", data=form) for _ in range(10))
    )

    assert {answer.status_code for answer in answers} == {303}
    assert {answer.headers["location"] for answer in answers} == {f"{RETURN_URL}&payment={payment['id']}"}
    now = await sandbox.payment(payment)
    assert (len(now["attempts"]), len(now["charges"]), now["amount_captured"]) == (1, 1, 49900)


async def test_a_declined_form_sent_twice_is_one_try(sandbox: Sandbox, shopper: httpx2.AsyncClient) -> None:
    payment = await sandbox.create()
    form = {"submission": submission_of(await open_page(shopper, payment)), "card": "4000000000000002"}

    for _ in range(2):
        await shopper.post(f"/checkout/{payment['id']}/pay", data=form)

    assert len((await sandbox.payment(payment))["attempts"]) == 1


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"number": "4242424242424241"}, "number"),
        ({"number": ""}, "number"),
        ({"expiry": "01 / 20"}, "expiry"),
        ({"expiry": "soon"}, "expiry"),
        ({"cvc": "12"}, "cvc"),
        ({"cvc": ""}, "cvc"),
    ],
)
async def test_a_slip_is_shown_at_its_field_and_nothing_typed_comes_back(
    sandbox: Sandbox, shopper: httpx2.AsyncClient, change: dict[str, str], problem: str
) -> None:
    payment = await sandbox.create()

    answer = await submit(shopper, payment, **{**GOOD, **change})

    assert answer.status_code == 422
    assert re.findall(r'aria-describedby="(\w+)-problem"', answer.text) == [problem]
    assert answer.text.count("autofocus") == 1
    assert "4242 4242 4242 4242 " not in answer.text
    assert (await sandbox.payment(payment))["attempts"] == []


@pytest.mark.parametrize("submission", ["", "short", "x" * 65, "<script>alert(1)</script>"])
async def test_a_form_that_is_not_ours_pays_nothing(
    sandbox: Sandbox, shopper: httpx2.AsyncClient, submission: str
) -> None:
    payment = await sandbox.create()

    answer = await shopper.post(f"/checkout/{payment['id']}/pay", data={"submission": submission, **GOOD})

    assert (answer.status_code, answer.headers["location"]) == (303, payment["checkout_url"])
    assert (await sandbox.payment(payment))["attempts"] == []


@pytest.mark.parametrize("body", [b"\xff\xfe", b"a=1&" * 11, b"x" * 65537])
async def test_a_broken_form_is_refused(sandbox: Sandbox, shopper: httpx2.AsyncClient, body: bytes) -> None:
    payment = await sandbox.create()

    answer = await shopper.post(f"/checkout/{payment['id']}/pay", content=body)

    assert answer.status_code == (413 if len(body) > 65536 else 400)


@pytest.mark.parametrize(
    ("result", "status"), [("complete", "succeeded"), ("fail", "requires_payment_method")]
)
async def test_3d_secure_is_a_page_of_its_own(
    sandbox: Sandbox, shopper: httpx2.AsyncClient, result: str, status: str
) -> None:
    payment = await sandbox.create()
    await submit(shopper, payment, card="4000002500003155")
    page = await open_page(shopper, payment)
    attempt = re.findall(r'name="attempt" value="(sbx_att_\w+)"', page)[0]
    form = {"attempt": attempt, "result": result}

    answers = [await shopper.post(f"/checkout/{payment['id']}/authenticate", data=form) for _ in range(2)]

    assert "card ending in <strong>3155</strong>" in page
    target = f"{RETURN_URL}&payment={payment['id']}" if result == "complete" else payment["checkout_url"]
    assert [(answer.status_code, answer.headers["location"]) for answer in answers] == [(303, target)] * 2
    now = await sandbox.payment(payment)
    assert (now["status"], len(now["attempts"])) == (status, 1)


@pytest.mark.parametrize("change", [{"attempt": "sbx_att_other"}, {"result": "perhaps"}])
async def test_another_answer_to_3d_secure_changes_nothing(
    sandbox: Sandbox, shopper: httpx2.AsyncClient, change: dict[str, str]
) -> None:
    waiting = await sandbox.paid("4000002500003155")
    form = {"attempt": waiting["attempts"][0]["id"], "result": "complete", **change}

    answer = await shopper.post(f"/checkout/{waiting['id']}/authenticate", data=form)

    assert answer.status_code == 303
    assert await sandbox.payment(waiting) == waiting


async def test_going_back_marks_nothing(sandbox: Sandbox, shopper: httpx2.AsyncClient) -> None:
    payment = await sandbox.create(return_url="https://shop.example/back#top")

    page = await open_page(shopper, payment)

    assert f'href="https://shop.example/back?payment={payment["id"]}#top"' in page
    assert await sandbox.payment(payment) == payment


async def test_a_canceled_payment_says_so_and_takes_no_card(
    sandbox: Sandbox, shopper: httpx2.AsyncClient
) -> None:
    payment = await sandbox.create()
    form = {"submission": submission_of(await open_page(shopper, payment)), **GOOD}
    await sandbox.post(f"/v1/payments/{payment['id']}/cancel")

    answer = await shopper.post(f"/checkout/{payment['id']}/pay", data=form)

    assert (answer.status_code, answer.headers["location"]) == (303, payment["checkout_url"])
    assert "Nothing was charged." in await open_page(shopper, payment)
    assert (await sandbox.payment(payment))["attempts"] == []


async def test_a_page_for_no_payment_is_missing(shopper: httpx2.AsyncClient) -> None:
    shown = await shopper.get("/checkout/sbx_pay_none")
    paid = await shopper.post("/checkout/sbx_pay_none/pay", data=GOOD)
    asset = await shopper.get("/assets/pages.py")

    assert [answer.status_code for answer in (shown, paid, asset)] == [404, 404, 404]
    assert "No such payment" in shown.text


async def test_the_card_of_a_shopper_is_kept_nowhere(tmp_path: Path) -> None:
    log = tmp_path / "truth.jsonl"
    async with (
        sandbox_serving(log_path=log) as sandbox,
        httpx2.AsyncClient(base_url=sandbox.url, trust_env=False, verify=TLS) as shopper,
    ):
        payment = await sandbox.create()
        await submit(shopper, payment, **{**GOOD, "number": "5555 5555 5555 4444", "cvc": "987"})
        shown = str(await sandbox.payment(payment))

    for kept in (log.read_text(), shown):
        assert "4444" in kept
        assert "5555555555554444" not in re.sub(r"[ -]", "", kept)
        assert '"987"' not in kept
