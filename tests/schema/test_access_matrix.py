"""The access matrix: every operation by five kinds of caller on own, foreign and missing things.

Fields come from the schema, and what is expected of each is declared in RULES: a field without a rule fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
import pytest
from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    build_schema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from app.auth import hash_secret, new_api_key
from app.domain.ids import IdPrefix, decode_as, encode_id
from app.domain.money import Money
from app.identity import new_id
from app.settle import Settler
from db.credentials import insert_api_key
from schema.cursors import encode_version
from schema.printing import printed_schema
from tests.app.audited_shop import AuditedShop
from tests.customers import token
from tests.making import captured
from tests.schema.shop import ORDER, STAFF, new_key

if TYPE_CHECKING:
    from tests.schema.shop import Shop

SCHEMA: Final = build_schema(printed_schema())
ROOTS: Final = {"query": "Query", "mutation": "Mutation", "subscription": "Subscription"}
DEPTH_MAX: Final = 3
TOKENS, OBJECTS = 450, 60
"""How large a document the API's limits let through, about."""
SERVICE_SCOPES: Final = ("suspense", "orders:price")


@dataclass(frozen=True)
class Rule:
    """What is expected of a field.

    `owned`: owners get it, foreign is as missing. `scope`: FORBIDDEN without it, whatever it is about; the service of
    the matrix has `suspense`. `public`: everybody may, and nothing of anybody's order is in it.
    """

    kind: str
    arguments: dict[str, Any]
    scope: str | None = None


ORDER_ID, PAYMENT_ID = "$order", "$payment"


def owned(**arguments: Any) -> Rule:  # noqa: ANN401 - of any field
    return Rule("owned", arguments)


def staff(scope: str, **arguments: Any) -> Rule:  # noqa: ANN401 - as above
    return Rule("staff", arguments, scope)


def public(**arguments: Any) -> Rule:  # noqa: ANN401 - as above
    return Rule("public", arguments)


RULES: Final = {
    "query.node": owned(id=ORDER_ID),
    "query.products": public(),
    "query.order": owned(id=ORDER_ID),
    "query.orderByAccessToken": public(token="oat_" + "a" * 26),
    "query.orders": public(first=50),
    "query.payment": owned(id=PAYMENT_ID),
    "query.paymentGateways": owned(orderId=ORDER_ID),
    "query.stateMachine": public(kind="ORDER"),
    "query.viewer": public(),
    "query.payments": staff("orders:read"),
    "query.inboxEvents": staff("inbox"),
    "query.suspenseItems": staff("suspense", open=None),
    "query.ledgerEntries": staff("books:read", orderId=ORDER_ID),
    "query.integrityReport": staff("books:read"),
    "query.paymentStatistics": staff("books:read", since="2026-01-01T00:00:00Z"),
    "query.paymentActivity": staff("books:read"),
    "query.gatewayHealth": staff("books:read"),
    "mutation.productUpsert": staff(
        "catalog:write",
        input={"sku": "NEW", "name": "New", "unitPrice": {"amount": "1.00", "currency": "INR"}},
    ),
    "mutation.orderCreate": public(
        input={"lines": [{"sku": "TEA", "quantity": 1}], "idempotencyKey": "$key"}
    ),
    "mutation.orderCancel": owned(input={"orderId": ORDER_ID, "idempotencyKey": "$key"}),
    "mutation.orderFulfill": staff(
        "orders:write", input={"orderId": ORDER_ID, "status": "SHIPPED", "idempotencyKey": "$key"}
    ),
    "mutation.orderAccessTokenCreate": owned(orderId=ORDER_ID),
    "mutation.orderAccessTokenRevoke": owned(orderId=ORDER_ID, accessToken="oat_none"),
    "mutation.paymentCreate": owned(
        input={"orderId": ORDER_ID, "gateway": "SANDBOX", "idempotencyKey": "$key"}
    ),
    "mutation.paymentConfirm": owned(input={"paymentId": PAYMENT_ID, "idempotencyKey": "$key"}),
    "mutation.paymentCapture": staff(
        "payments:write", input={"paymentId": PAYMENT_ID, "idempotencyKey": "$key"}
    ),
    "mutation.paymentCancel": owned(input={"paymentId": PAYMENT_ID, "idempotencyKey": "$key"}),
    "mutation.paymentSync": owned(id=PAYMENT_ID),
    "mutation.inboxEventReplay": staff("inbox", id="$inbox"),
    "mutation.refundCreate": staff(
        "refunds:write", input={"paymentId": PAYMENT_ID, "idempotencyKey": "$key"}
    ),
    "mutation.suspenseResolve": staff(
        "suspense", input={"id": "$suspense", "resolution": "REFUND", "idempotencyKey": "$key"}
    ),
    "subscription.orderUpdated": owned(id=ORDER_ID),
    "subscription.orderEvents": owned(orderId=ORDER_ID, after=encode_version(0)),
    "subscription.paymentUpdated": owned(id=PAYMENT_ID),
    "subscription.allOrderEvents": staff("orders:read"),
}
NODES: Final = ("$payment", "$suspense", "$inbox", "$refund")
"""What else has an id: `node` and every argument that takes one must not lead there either."""


@dataclass
class World:
    """A shop with an order of each kind of owner, and one of somebody else's with everything that can hang on one."""

    shop: Shop
    keys: dict[str, str | None]
    own: dict[str, dict[str, str]]
    foreign: dict[str, str]
    secrets: tuple[str, ...]


def missing() -> dict[str, str]:
    zero = "0" * 26
    return {
        "$order": f"ord_{zero}",
        "$payment": f"pay_{zero}",
        "$inbox": f"inb_{zero}",
        "$suspense": f"sus_{zero}",
        "$refund": f"ref_{zero}",
    }


def fields() -> dict[str, Any]:
    return {
        f"{kind}.{name}": field
        for kind, root in ROOTS.items()
        for name, field in SCHEMA.type_map[root].fields.items()  # type: ignore[attr-defined]  # roots are objects
    }


def selection(type_: Any, depth: int) -> str:  # noqa: ANN401 - a GraphQL type
    """Select everything that hangs on a type, as deep as the limits let."""
    named = get_named_type(type_)
    if is_leaf_type(named):
        return ""
    if isinstance(named, GraphQLInterfaceType | GraphQLUnionType):
        return "{ __typename id }" if isinstance(named, GraphQLInterfaceType) else "{ __typename }"
    assert isinstance(named, GraphQLObjectType)
    parts = ["__typename"]
    for name, field in named.fields.items():
        leaf = is_leaf_type(get_named_type(field.type))
        if any(is_required_argument(argument) for argument in field.args.values()) or not (leaf or depth):
            continue
        parts.append(f"{name} {selection(field.type, depth - 1)}")
    return "{ " + " ".join(parts) + " }"


def filled(value: Any, ids: dict[str, str]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {name: filled(item, ids) for name, item in value.items()}
    if isinstance(value, list):
        return [filled(item, ids) for item in value]
    return new_key() if value == "$key" else ids.get(value, value) if isinstance(value, str) else value


def document(name: str, field: Any, rule: Rule, depth: int) -> str:  # noqa: ANN401 - a GraphQL field
    kind, _, called = name.partition(".")
    given = {argument: field.args[argument].type for argument in rule.arguments}
    declared = "".join(f"(${', $'.join(f'{a}: {t}' for a, t in given.items())})" if given else "")
    passed = f"({', '.join(f'{a}: ${a}' for a in given)})" if given else ""
    return f"{kind} {declared} {{ {called}{passed} {selection(field.type, depth)} }}"


async def ask(
    world: World, who: str, name: str, rule: Rule, ids: dict[str, str], depth: int = DEPTH_MAX
) -> str:
    """Ask over the door that the operation has, and return the answer's text."""
    query = document(name, fields()[name], rule, depth)
    while depth and (len(query.split()) > TOKENS or query.count("{") > OBJECTS):
        depth -= 1
        query = document(name, fields()[name], rule, depth)
    variables = filled(rule.arguments, ids)
    key = world.keys[who]
    if not name.startswith("subscription."):
        return orjson.dumps(await world.shop.send(query, variables, key=key)).decode()
    params: dict[str, object] = {"authorization": f"Bearer {key}"} if key else {}
    async with world.shop.socket(params) as client:
        await client.subscribe(query, variables)
        if who == "staff" and name == "subscription.allOrderEvents":  # which begins with what comes
            await client.subscribe("{ __typename }", operation_id="2")
        while (message := await client.receive())["type"] == "complete":
            pass
        return orjson.dumps(message).decode()


def ids_of(order_id: str, payment_id: str) -> dict[str, str]:
    return {**missing(), "$order": order_id, "$payment": payment_id}


@pytest.fixture
async def world(shop: Shop) -> World:
    """Make the orders, and the callers."""
    foreign, payment_id = await shop.paid_order()
    refund = await shop.run(
        """mutation($input: RefundCreateInput!) { refundCreate(input: $input) { refund { id } errors { code } } }""",
        {"input": {"paymentId": payment_id, "amount": {"amount": "1.00", "currency": "INR"},
                   "idempotencyKey": new_key()}},
        key=STAFF,
    )  # fmt: skip
    guest = await shop.order()
    guest_payment = await shop.open_payment(guest)
    alice = token("alice")
    lines = [{"sku": "TEA", "quantity": 1}]
    made = await shop.run(ORDER, {"input": {"lines": lines, "idempotencyKey": new_key()}}, key=alice)
    customers_order = made["orderCreate"]["order"]["id"]
    paying = {"orderId": customers_order, "gateway": "SANDBOX", "idempotencyKey": new_key()}
    customers_payment = await shop.run(
        "mutation($input: PaymentCreateInput!) { paymentCreate(input: $input) { payment { id } } }",
        {"input": paying},
        key=alice,
    )
    service = new_api_key()
    await insert_api_key(
        shop.database, new_id(), hash_secret(service), name="matrix", scopes=SERVICE_SCOPES, ttl=None
    )
    order_id = decode_as(IdPrefix.ORDER, foreign.order_id)
    held = await held_money(shop)
    (delivery,) = await shop.database.fetch("SELECT id FROM inbox_events LIMIT 1")
    (row,) = await shop.database.fetch("SELECT number FROM orders WHERE id = $1", order_id)
    return World(
        shop=shop,
        keys={"anyone": None, "guest": guest.token, "customer": alice, "service": service, "staff": STAFF},
        own={
            "guest": ids_of(guest.order_id, guest_payment["id"]),
            "customer": ids_of(customers_order, customers_payment["paymentCreate"]["payment"]["id"]),
        },
        foreign={
            **ids_of(foreign.order_id, payment_id),
            "$refund": refund["refundCreate"]["refund"]["id"],
            "$suspense": held[0],
            "$inbox": encode_id(IdPrefix.INBOX_EVENT, delivery["id"]),
        },
        secrets=(foreign.order_id, payment_id, row["number"], foreign.token, *held[1:]),
    )


async def held_money(shop: Shop) -> tuple[str, str, str]:
    """Have money come for an order that may not keep it: the ids of the suspense item, the order and the payment."""
    async with Settler(shop.database.dsn, on_commit=lambda _: None, on_doubt=lambda _: None) as settler:
        books = AuditedShop(shop.database, settler)
        short = await books.opened("short")
        await books.tell(short, captured(short, Money(49_899, "INR")))
    (item,) = await shop.database.fetch("SELECT id, order_id, payment_id FROM suspense_items")
    return (
        encode_id(IdPrefix.SUSPENSE_ITEM, item["id"]),
        encode_id(IdPrefix.ORDER, item["order_id"]),
        encode_id(IdPrefix.PAYMENT, item["payment_id"]),
    )


def test_every_field_has_a_rule_and_every_rule_a_field() -> None:
    assert sorted(fields()) == sorted(RULES)


def refused(answer: str) -> bool:
    return "NOT_FOUND" in answer or "FORBIDDEN" in answer or "UNAUTHENTICATED" in answer


async def test_nobody_gets_what_is_not_theirs(world: World) -> None:
    leaks = []
    for who in ("anyone", "guest", "customer", "service"):
        for name, rule in RULES.items():
            of_others = await ask(world, who, name, rule, world.foreign)
            of_nobody = await ask(world, who, name, rule, missing())
            allowed = rule.kind == "staff" and who == "service" and rule.scope in SERVICE_SCOPES
            if (
                rule.kind != "public"
                and of_others != of_nobody
                and not (allowed and "$suspense" in str(rule))
            ):
                leaks.append((who, name, "differs", of_others, of_nobody))
            if any(secret in of_others for secret in world.secrets):
                leaks.append((who, name, "tells", of_others, ""))
            if rule.kind == "staff" and ("FORBIDDEN" in of_others) == allowed:
                leaks.append((who, name, "scope", of_others, ""))
    assert leaks == []


async def test_owners_and_staff_get_what_is_theirs(world: World) -> None:
    for who, own in world.own.items():
        for name, rule in RULES.items():
            answer = await ask(world, who, name, rule, own)
            assert refused(answer) == (rule.kind == "staff"), (who, name, answer)
    for name, rule in RULES.items():
        answer = await ask(world, "staff", name, rule, world.foreign)
        assert not refused(answer), (name, answer)


async def test_no_id_leads_to_what_is_not_theirs(world: World) -> None:
    for kind in NODES:
        rule = owned(id=kind)
        for who in ("anyone", "guest", "customer", "service"):
            foreign = await ask(world, who, "query.node", rule, world.foreign)
            same = foreign == await ask(world, who, "query.node", rule, missing())
            assert same != (who == "service" and kind == "$suspense"), (who, kind)
        assert world.foreign[kind] in await ask(world, "staff", "query.node", rule, world.foreign)


async def test_what_is_foreign_takes_the_statements_of_what_is_missing(
    world: World, statements: list[str]
) -> None:
    asked = 0
    for name, rule in RULES.items():
        if rule.kind != "owned" or name.startswith("subscription."):
            continue
        ran = []
        for ids in (world.foreign, missing()):
            statements.clear()
            await ask(world, "customer", name, rule, ids)
            ran.append(list(statements))
        assert ran[0] == ran[1], name
        asked += bool(ran[0])
    assert asked == 11
    for kind in ("$payment", "$refund"):
        ran = []
        for ids in (world.foreign, missing()):
            statements.clear()
            await ask(world, "customer", "query.node", owned(id=kind), ids)
            ran.append(list(statements))
        assert ran[0] == ran[1], kind
