"""What only staff see: deliveries as they came, suspense, the ledger, statistics, the integrity report."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import pytest

from app.auth import Caller, hash_secret, new_api_key
from app.domain.facts import FactKind
from app.domain.ids import IdPrefix, decode_as, encode_id
from app.domain.money import Money
from app.domain.states import LatePaymentPolicy
from app.gateways.contract import GatewayError, GatewayErrorKind
from app.gateways.guard import BreakerLimits
from app.identity import new_id
from app.scopes import Scope
from app.settle import Settler
from db.credentials import insert_api_key
from tests.app.audited_shop import AuditedShop, a_fact
from tests.making import a_payment, an_order, captured
from tests.schema.shop import STAFF, explained

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.schema.shop import Shop

INBOX: Final = """
query($filter: InboxFilter, $first: Int, $after: Cursor) {
  inboxEvents(filter: $filter, first: $first, after: $after) {
    edges { cursor node { id } }
    nodes { id gateway externalId type status deliveries attempts error body payment { id } receivedAt appliedAt }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""
SUSPENSE: Final = """
query($open: Boolean, $first: Int, $after: Cursor) {
  suspenseItems(open: $open, first: $first, after: $after) {
    edges { cursor node { id } }
    nodes {
      id reason amount { minorUnits currency } gateway reference order { id } payment { id } resolution createdAt
      resolvedAt
    }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""
LEDGER: Final = """
query($id: ID!) {
  ledgerEntries(orderId: $id) {
    transactionId account amount { minorUnits currency } paymentId description createdAt
  }
}"""
STATISTICS: Final = """
query($since: DateTime!) {
  paymentStatistics(since: $since) {
    received applied succeeded failed pendingOldestSeconds unmatched suspenseOpen pushLatencyP50 pushLatencyP99
  }
}"""
REPORT: Final = """{
  integrityReport {
    checkedAt checks { name description rowsChecked violations } violations { check subjectId message }
  }
}"""
REPLAY: Final = """
mutation($id: ID!) {
  inboxEventReplay(id: $id) { inboxEvent { id status } errors { code message field } }
}"""
NODE: Final = "query($id: ID!) { node(id: $id) { __typename id } }"
PAYMENTS: Final = """
query($filter: PaymentFilter, $first: Int, $after: Cursor) {
  payments(filter: $filter, first: $first, after: $after) {
    edges { cursor node { id } } nodes { id status order { number } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""
ACTIVITY: Final = """
query($minutes: Int) { paymentActivity(minutes: $minutes) { startsAt gateway opened succeeded failed } }
"""
VIEWER: Final = "{ viewer { scopes expiresAt } }"
HEALTH: Final = "{ gatewayHealth { gateway available } }"
LONG_AGO: Final = "0001-01-01T00:00:00Z"


@pytest.fixture
async def books(shop: Shop) -> AsyncIterator[AuditedShop]:
    """Orders and their money in the same database, made without the API."""
    settler = Settler(shop.database.dsn, on_commit=lambda _: None, on_doubt=lambda _: None)
    async with settler:
        yield AuditedShop(shop.database, settler)


async def delivered(shop: Shop, body: bytes = b"{}", *, status: str = "IGNORED", type_: str = "odd") -> str:
    """Keep a delivery as it came, and return its public id."""
    event_id = new_id()
    await shop.database.fetch(
        """INSERT INTO inbox_events (id, gateway, external_id, type, status, deliveries, attempts, body, received_at,
                                     applied_at)
           VALUES ($1, 'STRIPE', $2, $3, $4, 1, 1, $5, now(), CASE WHEN $4 IN ('APPLIED', 'IGNORED') THEN now() END)""",
        event_id,
        f"evt_{event_id}",
        type_,
        status,
        body,
    )
    return encode_id(IdPrefix.INBOX_EVENT, event_id)


async def pages(shop: Shop, document: str, name: str, **variables: object) -> list[str]:
    """Read a list to its end by its cursors, and return the ids."""
    ids: list[str] = []
    after = None
    while True:
        page = (await shop.run(document, {**variables, "after": after}, key=STAFF))[name]
        assert [edge["node"]["id"] for edge in page["edges"]] == [node["id"] for node in page["nodes"]]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        ids += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return ids


async def test_deliveries_are_shown_as_they_came_with_what_became_of_them(shop: Shop) -> None:
    _, payment_id = await shop.paid_order()

    page = (await shop.run(INBOX, {"filter": {"status": ["APPLIED"]}}, key=STAFF))["inboxEvents"]

    event = page["nodes"][0]
    assert (event["gateway"], event["status"], event["error"]) == ("SANDBOX", "APPLIED", None)
    assert event["payment"] == {"id": payment_id}
    assert event["body"]["id"] == event["externalId"]
    assert event["receivedAt"] <= event["appliedAt"]
    assert {node["payment"]["id"] for node in page["nodes"]} == {payment_id}


async def test_pages_of_deliveries_go_back_in_time_without_gap_or_repeat(shop: Shop) -> None:
    ids = [await delivered(shop) for _ in range(5)]

    assert await pages(shop, INBOX, "inboxEvents", first=2) == ids[::-1]


async def test_deliveries_are_found_by_gateway_status_and_type(shop: Shop) -> None:
    ignored = await delivered(shop)
    failed = await delivered(shop, status="FAILED", type_="charge.failed")
    unmatched = await delivered(shop, status="UNMATCHED", type_="charge.succeeded")
    filters = {
        (): {unmatched, failed, ignored},
        (("status", ("FAILED", "UNMATCHED")),): {unmatched, failed},
        (("status", ("FAILED", "IGNORED")),): {failed, ignored},
        (("status", ()),): {unmatched, failed, ignored},
        (("type", "charge.failed"),): {failed},
        (("gateway", "STRIPE"), ("type", "odd")): {ignored},
        (("gateway", "PAYTM"),): set[str](),
    }

    for given, expected in filters.items():
        found = await pages(shop, INBOX, "inboxEvents", first=2, filter=dict(given))

        assert (set(found), len(found)) == (expected, len(expected)), given


BODIES: Final[list[tuple[bytes, object]]] = [
    (b'{"a": [1, 2.5, null, true, "x"]}', {"a": [1, 2.5, None, True, "x"]}),
    (b"order_id=1&status=TXN_SUCCESS", "order_id=1&status=TXN_SUCCESS"),
    (b"", ""),
    (b"\xff{", "\ufffd{"),
    (
        b'{"n": 9007199254740993, "m": -9007199254740991}',
        {"n": "9007199254740993", "m": -9007199254740991},
    ),
    (b'{"n": NaN}', {"n": "NaN"}),
    (b'"\\ud800"', "?"),
    (b"[" * 70 + b"]" * 70, "[" * 70 + "]" * 70),
    (b"[" * 100_000, "[" * 100_000),
    (b'{"note": "it is 4242424242424242."}', {"note": "it is 424242******4242."}),
    (b'{"4242424242424242": 5555555555554444}', {"424242******4242": "555555******4444"}),
    (b"card=378282246310005&x=1", "card=378282*****0005&x=1"),
    (
        b'{"order": "4242424242424241", "at": 1732500000008}',
        {"order": "4242424242424241", "at": 1732500000008},
    ),
    (b'{"long": "424242424242424242424242"}', {"long": "424242424242424242424242"}),
    (b'{"vpa": "rahul@okaxis", "email": "r@b.in"}', {"vpa": "ra****@okaxis", "email": "r@b.in"}),
]


async def test_bodies_are_json_or_text_and_hide_only_what_people_pay_with(shop: Shop) -> None:
    for body, _ in BODIES:
        await delivered(shop, body)

    page = (await shop.run(INBOX, key=STAFF))["inboxEvents"]

    assert [node["body"] for node in reversed(page["nodes"])] == [shown for _, shown in BODIES]


async def test_suspense_shows_what_is_held_and_for_whom(shop: Shop, books: AuditedShop) -> None:
    short = await books.opened("short")
    await books.tell(short, captured(short, Money(49_899, "INR")))
    stranger = a_payment(an_order())
    await books.tell(stranger, captured(stranger))

    held = (await shop.run(SUSPENSE, key=STAFF))["suspenseItems"]["nodes"]
    resolved = (await shop.run(SUSPENSE, {"open": False}, key=STAFF))["suspenseItems"]["nodes"]

    unknown, mismatch = held
    assert {
        key: unknown[key] for key in ("reason", "amount", "reference", "order", "payment", "resolution")
    } == {
        "reason": "UNKNOWN_ORDER",
        "amount": {"minorUnits": 49_900, "currency": "INR"},
        "reference": f"pi_{stranger.id}",
        "order": None,
        "payment": None,
        "resolution": None,
    }
    assert (mismatch["reason"], mismatch["amount"]["minorUnits"]) == ("AMOUNT_MISMATCH", 49_899)
    assert mismatch["order"] == {"id": encode_id(IdPrefix.ORDER, short.order_id)}
    assert mismatch["payment"] == {"id": encode_id(IdPrefix.PAYMENT, short.id)}
    assert resolved == []


async def test_suspense_items_that_were_resolved_are_shown_when_asked_for(
    shop: Shop, books: AuditedShop
) -> None:
    for number in range(4):
        late = await books.opened(f"order {number}", policy=LatePaymentPolicy.HOLD)
        await books.tell(late, captured(late, Money(49_899, "INR")))
    first = books.payments["order 0"]
    await books.tell(first, captured(first))

    open_ones = await pages(shop, SUSPENSE, "suspenseItems", first=2)
    closed_ones = await pages(shop, SUSPENSE, "suspenseItems", first=2, open=False)
    all_of_them = await pages(shop, SUSPENSE, "suspenseItems", first=2, open=None)

    assert (len(open_ones), len(closed_ones)) == (3, 1)
    assert all_of_them == [*open_ones, *closed_ones]


async def test_the_ledger_of_an_order_balances_and_names_its_payments(shop: Shop, books: AuditedShop) -> None:
    payment = await books.paid("paid")
    part = Money(9_900, "INR")
    await books.tell(payment, a_fact(payment, FactKind.REFUND_SUCCEEDED, "re1", part))

    entries = (await shop.run(LEDGER, {"id": encode_id(IdPrefix.ORDER, payment.order_id)}, key=STAFF))[
        "ledgerEntries"
    ]

    assert [(e["account"], e["amount"]["minorUnits"], e["description"]) for e in entries] == [
        ("SALES", -49_900, "capture"),
        ("GATEWAY_CLEARING", 49_900, "money at the gateway"),
        ("REFUNDS", 9_900, "refund"),
        ("GATEWAY_CLEARING", -9_900, "money at the gateway"),
    ]
    assert len({entry["transactionId"] for entry in entries}) == 2
    assert all(decode_as(IdPrefix.LEDGER_TRANSACTION, entry["transactionId"]) for entry in entries)
    assert {entry["paymentId"] for entry in entries} == {encode_id(IdPrefix.PAYMENT, payment.id)}


async def test_statistics_count_what_came_and_what_waits(shop: Shop, books: AuditedShop) -> None:
    await books.paid("paid")
    failed = await books.opened("failed")
    await books.tell(failed, a_fact(failed, FactKind.FAILED, "att"))
    waiting = await books.opened("waiting")
    await books.tell(waiting, a_fact(waiting, FactKind.PROCESSING, "att"))
    stranger = a_payment(an_order())
    await books.tell(stranger, captured(stranger))

    found = (await shop.run(STATISTICS, {"since": LONG_AGO}, key=STAFF))["paymentStatistics"]
    soon = datetime.now(UTC).replace(year=2100).isoformat()
    later = (await shop.run(STATISTICS, {"since": soon}, key=STAFF))["paymentStatistics"]

    assert 0 <= found.pop("pendingOldestSeconds") < 60
    assert found == {
        "received": 4,
        "applied": 3,
        "succeeded": 1,
        "failed": 1,
        "unmatched": 1,
        "suspenseOpen": 1,
        "pushLatencyP50": None,
        "pushLatencyP99": None,
    }
    assert (later["received"], later["succeeded"], later["pendingOldestSeconds"]) == (0, 0, None)


async def test_payments_are_found_by_gateway_status_reference_and_time(
    shop: Shop, books: AuditedShop
) -> None:
    paid = await books.paid("paid")
    waiting = await books.opened("waiting")
    await books.tell(waiting, a_fact(waiting, FactKind.PROCESSING, "att"))
    old = UUID(int=1_600_000_000_000 << 80)
    await shop.database.fetch(
        """INSERT INTO payments
           SELECT (jsonb_populate_record(p, jsonb_build_object(
                     'id', $2::uuid, 'created_at', to_timestamp(1600000000), 'reference', 'old', 'status', 'FAILED'))).*
             FROM payments p WHERE id = $1""",
        waiting.id,
        old,
    )
    await shop.database.fetch("DELETE FROM jobs")
    await shop.database.fetch(
        """INSERT INTO jobs (id, kind, subject_id, gateway, due_at, attempts, created_at)
           VALUES ($1, 'PAYMENT_POLL', $1, 'SANDBOX', now(), 0, now())""",
        waiting.id,
    )
    named = (("paid", paid.id), ("waiting", waiting.id), ("old", old))
    ids = {name: encode_id(IdPrefix.PAYMENT, payment_id) for name, payment_id in named}
    filters: dict[tuple[tuple[str, object], ...], list[str]] = {
        (): ["waiting", "paid", "old"],
        (("status", ("PROCESSING", "REQUIRES_ACTION")),): ["waiting"],
        (("status", ()),): ["waiting", "paid", "old"],
        (("reference", f"pi_{paid.id}"),): ["paid"],
        (("reference", f"pi_{paid.id}"), ("gateway", "PAYTM")): [],
        (("gateway", "PAYTM"),): [],
        (("awaited", True),): ["waiting"],
        (("awaited", False),): ["waiting", "paid", "old"],
        (("createdAfter", "2024-01-01T00:00:00Z"),): ["waiting", "paid"],
        (("createdBefore", "2024-01-01T00:00:00Z"),): ["old"],
        (("createdAfter", LONG_AGO), ("createdBefore", "9999-12-31T23:59:59Z")): ["waiting", "paid", "old"],
    }

    for given, expected in filters.items():
        found = await pages(shop, PAYMENTS, "payments", first=1, filter=dict(given))

        assert found == [ids[name] for name in expected], given


async def test_activity_counts_by_minute_and_gateway(shop: Shop, books: AuditedShop) -> None:
    await books.paid("paid")
    failed = await books.opened("failed")
    await books.tell(failed, a_fact(failed, FactKind.FAILED, "att"))
    await books.opened("waiting")
    await shop.database.fetch(
        "UPDATE payments SET created_at = now() - interval '1 minute' WHERE id = $1", failed.id
    )

    both = (await shop.run(ACTIVITY, key=STAFF))["paymentActivity"]
    newest = (await shop.run(ACTIVITY, {"minutes": 1}, key=STAFF))["paymentActivity"]

    assert sum(minute["opened"] for minute in both) == 3
    assert [(minute["opened"], minute["succeeded"], minute["failed"]) for minute in both] == [
        (1, 0, 1),
        (2, 1, 0),
    ]
    assert newest == both[1:]
    assert {minute["gateway"] for minute in both} == {failed.gateway}
    assert all(minute["startsAt"].endswith(":00.000000Z") for minute in both)
    for minutes in (0, 1_441):
        (error,) = (await shop.send(ACTIVITY, {"minutes": minutes}, key=STAFF))["errors"]
        assert (error["extensions"]["code"], error["extensions"]["field"]) == ("INVALID", ["minutes"])


async def test_callers_are_told_what_they_may_do_and_until_when(shop: Shop) -> None:
    guest = await shop.order()
    key = new_api_key()
    await insert_api_key(
        shop.database, new_id(), hash_secret(key), name="k", scopes=("inbox", "refunds:write"), ttl=None
    )

    anyone = (await shop.run(VIEWER))["viewer"]
    by_token = (await shop.run(VIEWER, key=guest.token))["viewer"]
    by_key = (await shop.run(VIEWER, key=key))["viewer"]
    by_staff = (await shop.run(VIEWER, key=STAFF))["viewer"]

    assert anyone == {"scopes": [], "expiresAt": None}
    assert (by_token["scopes"], by_token["expiresAt"] > LONG_AGO) == ([], True)
    assert by_key == {"scopes": ["refunds:write", "inbox"], "expiresAt": None}
    assert by_staff == {"scopes": [scope.value for scope in Scope], "expiresAt": None}


async def test_the_health_of_gateways_follows_their_breakers(shop: Shop) -> None:
    (gateway,) = shop.services.views.gateways(Caller(subject="staff", scopes=frozenset(Scope)))
    before = (await shop.run(HEALTH, key=STAFF))["gatewayHealth"]

    for _ in range(BreakerLimits().failures):
        with suppress(GatewayError):
            async with gateway.breaker.call():  # type: ignore[attr-defined]  # each stands behind one
                raise GatewayError(GatewayErrorKind.UNAVAILABLE, "No answer.")

    assert before == [{"gateway": "SANDBOX", "available": True}]
    assert (await shop.run(HEALTH, key=STAFF))["gatewayHealth"] == [
        {"gateway": "SANDBOX", "available": False}
    ]


async def test_statistics_tell_how_fast_pushes_were(shop: Shop) -> None:
    for milliseconds in range(1, 101):
        shop.services.metrics.pushed(milliseconds / 1000)  # type: ignore[attr-defined]  # the application's own

    found = (await shop.run(STATISTICS, {"since": LONG_AGO}, key=STAFF))["paymentStatistics"]

    assert (round(found["pushLatencyP50"]), round(found["pushLatencyP99"])) == (51, 100)


async def test_the_report_names_what_is_wrong_by_its_public_id(shop: Shop, books: AuditedShop) -> None:
    payment = await books.paid("paid")
    clean = (await shop.run(REPORT, key=STAFF))["integrityReport"]
    await shop.database.fetch("UPDATE orders SET paid_minor = 1 WHERE id = $1", payment.order_id)

    spoilt = (await shop.run(REPORT, key=STAFF))["integrityReport"]

    assert clean["violations"] == []
    assert spoilt["violations"] == [
        {
            "check": "order_paid",
            "subjectId": encode_id(IdPrefix.ORDER, payment.order_id),
            "message": "It holds 1 INR as paid, and the facts of its payments add up to 49900.",
        }
    ]
    (check,) = [each for each in spoilt["checks"] if each["name"] == "order_paid"]
    assert (check["rowsChecked"], check["violations"]) == (1, 1)
    assert clean["checkedAt"] < spoilt["checkedAt"]


async def test_a_replay_is_owed_at_once_and_again_when_it_was_given_up(shop: Shop) -> None:
    event = await delivered(shop, status="FAILED")
    jobs = "SELECT kind, subject_id, gateway, due_at <= clock_timestamp() AS is_due, died_at FROM jobs"

    first = (await shop.run(REPLAY, {"id": event}, key=STAFF))["inboxEventReplay"]
    await shop.database.fetch("UPDATE jobs SET died_at = now(), due_at = now() + interval '1 hour'")
    again = (await shop.run(REPLAY, {"id": event}, key=STAFF))["inboxEventReplay"]

    assert first == again == {"inboxEvent": {"id": event, "status": "FAILED"}, "errors": []}
    (job,) = await shop.database.fetch(jobs)
    assert tuple(job) == ("INBOX_REPLAY", decode_as(IdPrefix.INBOX_EVENT, event), "STRIPE", True, None)


async def test_a_replay_of_what_is_done_or_missing_is_refused(shop: Shop) -> None:
    done, missing = await delivered(shop), encode_id(IdPrefix.INBOX_EVENT, new_id())
    refused = {done: "INVALID_STATE", missing: "NOT_FOUND", "ord_" + "0" * 26: "NOT_FOUND"}

    for event, code in refused.items():
        payload = (await shop.run(REPLAY, {"id": event}, key=STAFF))["inboxEventReplay"]

        assert payload["inboxEvent"] is None
        assert [error["code"] for error in payload["errors"]] == [code]
    assert await shop.database.fetch("SELECT 1 FROM jobs") == []


async def test_everybody_else_is_refused_and_finds_nothing(shop: Shop, books: AuditedShop) -> None:
    guest = await shop.order()
    event = await delivered(shop, status="FAILED")
    short = await books.opened("short")
    await books.tell(short, captured(short, Money(1, "INR")))
    (row,) = await shop.database.fetch("SELECT id FROM suspense_items")
    item = encode_id(IdPrefix.SUSPENSE_ITEM, row["id"])
    refused: dict[str, dict[str, Any]] = {
        INBOX: {},
        SUSPENSE: {},
        LEDGER: {"id": guest.order_id},
        STATISTICS: {"since": LONG_AGO},
        REPORT: {},
    }

    for key in (guest.token, None):
        for document, variables in refused.items():
            answer = await shop.send(document, variables, key=key)
            (error,) = answer["errors"]
            assert error["extensions"] == explained("FORBIDDEN"), document
            assert answer["data"] is None
        replay = (await shop.run(REPLAY, {"id": event}, key=key))["inboxEventReplay"]
        assert [error["code"] for error in replay["errors"]] == ["FORBIDDEN"]
        for node in (event, item):
            assert await shop.run(NODE, {"id": node}, key=key) == {"node": None}
    staff_sees = [(await shop.run(NODE, {"id": node}, key=STAFF))["node"] for node in (event, item)]
    assert staff_sees == [
        {"__typename": "InboxEvent", "id": event},
        {"__typename": "SuspenseItem", "id": item},
    ]


async def test_the_ledger_of_a_missing_order_is_not_found(shop: Shop) -> None:
    answer = await shop.send(LEDGER, {"id": encode_id(IdPrefix.ORDER, new_id())}, key=STAFF)

    assert answer["errors"][0]["extensions"] == explained("NOT_FOUND", field=["orderId"])


async def test_lists_for_staff_cost_a_fixed_number_of_statements(
    shop: Shop, books: AuditedShop, statements: list[str]
) -> None:
    async def short(name: str) -> None:
        payment = await books.opened(name)
        await books.tell(payment, captured(payment, Money(1, "INR")))

    await short("first")
    documents = (INBOX, SUSPENSE)
    ran = []

    for number in (0, 8):
        for each in range(number):
            await short(f"{number} {each}")
        for document in documents:
            statements.clear()
            (found,) = (await shop.run(document, key=STAFF)).values()
            ran.append((len(found["nodes"]), len(statements)))

    # The page; the payments of the deliveries; the orders and the payments of the items.
    assert ran == [(1, 2), (1, 3), (9, 2), (9, 3)]


async def test_cursors_of_other_lists_are_refused(shop: Shop) -> None:
    await delivered(shop)
    of_deliveries = (await shop.run(INBOX, key=STAFF))["inboxEvents"]["pageInfo"]["endCursor"]
    of_orders = "{ orders(first: 1) { pageInfo { endCursor } } }"
    await shop.order()
    of_orders = (await shop.run(of_orders, key=STAFF))["orders"]["pageInfo"]["endCursor"]

    for document, cursor in ((SUSPENSE, of_deliveries), (INBOX, of_orders), (INBOX, "rubbish")):
        answer = await shop.send(document, {"after": cursor}, key=STAFF)

        assert answer["errors"][0]["extensions"] == explained("INVALID", field=["after"])


async def test_pages_for_staff_have_bounds(shop: Shop) -> None:
    for document in (INBOX, SUSPENSE):
        for first in (0, 101):
            answer = await shop.send(document, {"first": first}, key=STAFF)

            assert answer["errors"][0]["message"] == "first is 1 to 100."
