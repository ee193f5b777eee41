"""Defects at the doors: signatures, keys, callers, gateway calls, and what is told to those who watch."""

from __future__ import annotations

from typing import Final

from tests.mutants.defect import Defect

_SHIPPED: Final = "tests/system/test_bugs_others_shipped.py"
_SANDBOX: Final = "tests/gateways/test_sandbox_webhooks.py"
_STRIPE: Final = "tests/gateways/test_stripe_signature.py"
_GUARDS: Final = "tests/db/test_money_guards.py"
_KEYS: Final = "tests/app/test_idempotency.py"
_ANSWERS: Final = "tests/schema/test_idempotency.py"
_LIFECYCLE: Final = "tests/system/test_lifecycle.py"
_LIVE: Final = "tests/app/test_live_orders.py"
_CALLS: Final = "tests/app/test_gateway_calls.py"
_PAYTM: Final = "tests/gateways/test_paytm_calls.py"

DOORS: Final = (
    Defect(
        name="a webhook is acknowledged before it is stored",
        file="app/webhooks.py",
        old="            outcome = await self._settler.submit(webhook)\n",
        new="            self.later = asyncio.ensure_future(self._settler.submit(webhook))\n"
        "            outcome = Outcome(status='RECEIVED')\n",
        tests=(
            f"{_SHIPPED}::test_a_crash_between_the_event_and_the_order_leaves_neither_and_the_next_try_brings_both",
        ),
    ),
    Defect(
        name="the signature is compared over the parsed body",
        file="app/gateways/sandbox/signature.py",
        old='    if not _any_equal(_digests(timestamp + b"." + body, secrets), given):\n',
        new='    body = __import__("orjson").dumps(__import__("orjson").loads(body))\n'
        '    if not _any_equal(_digests(timestamp + b"." + body, secrets), given):\n',
        tests=(
            f"{_SANDBOX}::test_a_forged_delivery_is_refused",
            f"{_SANDBOX}::test_a_body_signed_with_any_secret_within_five_minutes_is_taken",
        ),
    ),
    Defect(
        name="a delivery of any future time is let through",
        file="app/gateways/sandbox/signature.py",
        old="    if abs(now.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:\n",
        new="    if now.timestamp() - int(timestamp) > TOLERANCE_SECONDS:\n",
        tests=(f"{_SANDBOX}::test_an_old_or_future_delivery_is_stale",),
    ),
    Defect(
        name="a delivery of any age is let through at Stripe",
        file="app/gateways/stripe/signature.py",
        old="    if age_seconds > TOLERANCE_SECONDS:\n",
        new="    if False:\n",
        tests=(_STRIPE,),
    ),
    Defect(
        name="only the first of several secrets is tried",
        file="app/gateways/sandbox/signature.py",
        old="for secret in secrets]\n",
        new="for secret in secrets[:1]]\n",
        tests=(f"{_SANDBOX}::test_a_body_signed_with_any_secret_within_five_minutes_is_taken",),
    ),
    Defect(
        name="only the first of Stripe's signatures is tried",
        file="app/gateways/stripe/signature.py",
        old="for good in expected for given in signatures]\n",
        new="for good in expected for given in signatures[:1]]\n",
        tests=(_STRIPE,),
    ),
    Defect(
        name="an order token is good whatever follows its prefix",
        file="app/auth/authenticator.py",
        old="        opened = await self._store.open_order(hash_secret(token))\n",
        new="        opened = await self._store.open_order(hash_secret(ORDER_TOKEN_PREFIX))\n",
        tests=("tests/schema/test_queries.py::test_a_guests_token_alone_opens_the_order",),
    ),
    Defect(
        name="the hash of an order token is not compared",
        file="db/credentials.py",
        old="                WHERE token_hash = $1 AND expires_at",
        new="                WHERE length($1::bytea) > 0 AND expires_at",
        tests=(
            "tests/schema/test_access.py",
            "tests/schema/test_queries.py::test_a_guests_token_alone_opens_the_order",
        ),
    ),
    Defect(
        name="a guest sees the orders of others",
        file="app/checkout/access.py",
        old="    if order is None or not caller.may_see(order):\n",
        new="    if order is None:\n",
        tests=("tests/schema/test_access.py::test_somebody_elses_things_look_exactly_like_missing_ones",),
    ),
    Defect(
        name="a guest captures and refunds",
        file="app/checkout/access.py",
        old="    if not caller.has(scope):\n",
        new="    if False:\n",
        tests=("tests/schema/test_mutations.py::test_an_order_is_fulfilled_step_by_step_by_staff",),
    ),
    Defect(
        name="a key with other input gets the first answer",
        file="app/idempotency.py",
        old='        if row["request_hash"] != fingerprint:\n',
        new="        if False:\n",
        tests=(f"{_KEYS}::test_the_same_key_with_other_input_is_a_named_error",),
    ),
    Defect(
        name="an answer that is told again doesn't say so",
        file="app/idempotency.py",
        old="            replayed=True,\n",
        new="            replayed=False,\n",
        tests=(f"{_KEYS}::test_the_same_key_and_input_get_the_first_answer_again",),
    ),
    Defect(
        name="a repeated key sets out to do what is left by now",
        file="app/idempotency.py",
        old="        if known is None:\n",
        new="        if True:\n",
        tests=(f"{_ANSWERS}::test_a_capture_that_a_webhook_told_of_first_is_this_keys",),
    ),
    Defect(
        name="a migration takes the running servers from their balancer",
        file="app/health.py",
        old="            if is_behind(revision, newest):",
        new="            if revision != newest:",
        tests=(f"{_LIFECYCLE}::test_a_release_goes_on_with_the_schema_of_a_newer_one_and_not_with_an_older",),
    ),
    Defect(
        name="a statement returns whatever columns there are",
        file="db/reads.py",
        old='f"SELECT {ORDER_COLUMNS} FROM orders WHERE id = ANY($1::uuid[])"',
        new='"SELECT * FROM orders WHERE id = ANY($1::uuid[])"',
        tests=("tests/schema/test_newer_schema.py::test_columns_that_a_newer_release_adds_disturb_nobody",),
    ),
    Defect(
        name="a key is taken from a holder that still works",
        file="db/orders.py",
        old="   AND (k.locked_until IS NULL OR k.locked_until < clock_timestamp())\n",
        new="",
        tests=(f"{_KEYS}::test_of_two_hundred_calls_at_once_one_works_and_the_others_are_told",),
    ),
    Defect(
        name="a key whose holder died is never free again",
        file="db/orders.py",
        old="   AND (k.locked_until IS NULL OR k.locked_until < clock_timestamp())\n",
        new="   AND k.locked_until IS NULL\n",
        tests=(f"{_KEYS}::test_a_key_whose_holder_died_goes_on_with_the_same_thing",),
    ),
    Defect(
        name="each call to create bears a key of its own",
        file="app/checkout/paying.py",
        old='                idempotency_key=f"{payment.id}:create",\n',
        new='                idempotency_key=f"{payment.id}:{time.monotonic()}",\n',
        tests=(f"{_SHIPPED}::test_a_call_that_is_repeated_bears_the_same_key_also_after_a_crash[False]",),
    ),
    Defect(
        name="each call to refund bears a key of its own",
        file="app/checkout/paying.py",
        old='                idempotency_key=f"{key_id}:refund",\n',
        new='                idempotency_key=f"{key_id}:{time.monotonic()}",\n',
        tests=(f"{_SHIPPED}::test_a_refund_that_is_repeated_bears_the_same_key",),
    ),
    Defect(
        name="a call without an answer is taken for a failure",
        file="app/gateway_calls.py",
        old="_NO_OUTCOME: Final = frozenset({GatewayErrorKind.UNKNOWN, GatewayErrorKind.UNAVAILABLE})\n",
        new="_NO_OUTCOME: Final = frozenset({GatewayErrorKind.UNAVAILABLE})\n",
        tests=(f"{_SHIPPED}::test_a_refund_that_is_repeated_bears_the_same_key",),
    ),
    Defect(
        name="silence of a gateway counts as a refusal",
        file="app/gateways/http.py",
        old='GatewayErrorKind.UNKNOWN, f"{self._gateway} did not answer."',
        new='GatewayErrorKind.REJECTED, f"{self._gateway} did not answer."',
        tests=("tests/gateways/test_sandbox_failures.py::test_silence_is_unknown",),
    ),
    Defect(
        name="an older version replaces a newer one on the screen",
        file="app/live/watch.py",
        old="        if snapshot.order.version <= self.version:\n            return False\n",
        new="        if snapshot.order.version == self.version:\n            return False\n",
        tests=("tests/app/test_watch.py",),
    ),
    Defect(
        name="a hint of the version that is known is read (>= for >)",
        file="app/live/hub.py",
        old="            if watch is not None and version > watch.version:\n",
        new="            if watch is not None and version >= watch.version:\n",
        tests=(f"{_LIVE}::test_a_hint_of_what_is_known_costs_no_read",),
    ),
    Defect(
        name="the first read may have begun before the reader came",
        file="app/live/hub.py",
        old="        ours = watch.reads_begun + 1\n",
        new="        ours = min(watch.reads_begun, 1)\n",
        tests=(_LIVE, "tests/app/test_live_interleavings.py"),
    ),
    Defect(
        name="nothing heals a hint that was lost",
        file="app/live/heartbeat.py",
        old="            self._heard(found.items())\n",
        new="            del found\n",
        tests=(f"{_LIVE}::test_a_lost_hint_is_healed",),
    ),
    Defect(
        name="the log shows what others may still commit before it",
        file="db/reads.py",
        old="              AND xid < pg_snapshot_xmin(pg_current_snapshot())\n",
        new="",
        tests=(f"{_GUARDS}::test_the_log_shows_nothing_that_something_may_still_be_committed_before",),
    ),
    Defect(
        name="a delivery may be as large as it likes",
        file="app/webhooks.py",
        old="        if size > BODY_BYTES_MAX:\n",
        new="        if size > 2 * BODY_BYTES_MAX:\n",
        tests=("tests/system/test_edge.py::test_a_body_of_one_byte_more_than_a_mebibyte_is_refused",),
    ),
    Defect(
        name="an approval is taken for an order that nobody wants any more",
        file="app/domain/taking.py",
        old="    if not record.order.is_open or payment.status in _OVER:\n",
        new="    if payment.status in _OVER:\n",
        tests=("tests/app/test_taking.py::test_nothing_is_taken_for_an_order_that_was_called_off",),
    ),
    Defect(
        name="a hint asks nobody",
        file="app/domain/settlement.py",
        old="    if report.asks or ",
        new="    if ",
        tests=("tests/app/test_taking.py::test_a_hint_has_the_gateway_asked_at_once",),
    ),
    Defect(
        name="a hint about a canceled payment asks nobody",
        file="app/domain/draft.py",
        old="        if payment.status is not PaymentStatus.SUCCEEDED:\n",
        new="        if payment.status not in (PaymentStatus.SUCCEEDED, PaymentStatus.CANCELED):\n",
        tests=("tests/app/test_taking.py::test_a_hint_about_a_payment_that_we_canceled_finds_its_money",),
    ),
    Defect(
        name="a conclusion stands though another try opened the payment since",
        file="app/domain/settlement.py",
        old="    if not report.concluded or payment.reference == report.reference:\n",
        new="    if True:\n",
        tests=(f"{_CALLS}::test_a_conclusion_does_not_stand_once_another_try_opened_the_payment",),
    ),
    Defect(
        name="a later answer replaces the first under a key",
        file="db/settlement/writing.py",
        old=" WHERE k.id = n.id AND k.answer IS NULL\n",
        new=" WHERE k.id = n.id\n",
        tests=("tests/app/test_gateway_calls.py::test_the_first_answer_under_a_key_is_kept",),
    ),
    Defect(
        name="a refused payment is not looked for at its gateway",
        file="app/gateway_calls.py",
        old="                ended = await self._ended(gateway, payment, refusal)\n",
        new="                ended = GatewayAnswer(facts=(canceled(payment),), reference=payment.reference)\n",
        tests=(f"{_CALLS}::test_a_refused_payment_that_an_earlier_try_opened_is_canceled_there",),
    ),
    Defect(
        name="a webhook waits for a database that hangs",
        file="app/webhooks.py",
        old="            async with asyncio.timeout(ANSWER_SECONDS_MAX):\n",
        new="            async with asyncio.timeout(None):\n",
        tests=("tests/app/test_webhook_deadline.py",),
    ),
    Defect(
        name="Paytm's body is the first that is found",
        file="app/gateways/paytm/messages.py",
        old="        if not isinstance(name, str) or name in found or len(found) >= FIELDS_MAX:\n",
        new="        if not isinstance(name, str) or len(found) >= FIELDS_MAX:\n",
        tests=("tests/gateways/test_paytm_messages.py",),
    ),
    Defect(
        name="a form of Paytm's asks nobody",
        file="app/gateways/paytm/webhooks.py",
        old="        asks=bool(order_id),\n",
        new="        asks=False,\n",
        tests=("tests/gateways/test_paytm_webhooks.py::test_a_form_has_paytm_asked_and_moves_nothing",),
    ),
    Defect(
        name="a refund that Paytm has already is called refused",
        file="app/gateways/paytm/adapter.py",
        old="        if result.code in results.REFUND_THERE_CODES:\n",
        new="        if False:\n",
        tests=(f"{_PAYTM}::test_a_refund_that_is_there_and_not_yet_shown_is_not_called_refused",),
    ),
    Defect(
        name="a payment that Razorpay may still take is given up for good",
        file="app/gateways/razorpay/adapter.py",
        old="kind=FactKind.LAPSED)\n",
        new="kind=FactKind.CANCELED)\n",
        tests=("tests/gateways/test_razorpay_calls.py::test_what_nobody_paid_is_given_up",),
    ),
    Defect(
        name="repetitions are not bounded",
        file="app/gateways/budget.py",
        old="        self._saved -= 1\n",
        new="",
        tests=("tests/gateways/test_budget.py::test_the_first_repetitions_are_saved_up",),
    ),
    Defect(
        name="what we concluded of a refund counts more than the gateway's word",
        file="app/domain/refunds.py",
        old="    last = max(by_gateway or told, key",
        new="    last = max(told, key",
        tests=(
            "tests/domain/test_payment_state.py::test_the_gateways_word_counts_more_than_what_we_concluded",
        ),
    ),
    Defect(
        name="a gateway that is silent is called all the same",
        file="app/gateways/guard.py",
        old="        if not self.takes_calls:\n",
        new="        if False:\n",
        tests=("tests/gateways/test_guard.py::test_a_gateway_that_does_not_answer_is_left_alone",),
    ),
    Defect(
        name="card numbers are kept",
        file="schema/requests.py",
        old="if holds_card_number(payload):",
        new="if False:",
        tests=("tests/schema/test_card_numbers.py::test_a_card_number_in_any_field_leaves_no_trace",),
    ),
    Defect(
        name="anybody names the client's address",
        file="app/rates/addresses.py",
        old="if self._trusted and self._is_trusted(address):",
        new="if True:",
        tests=("tests/app/test_addresses.py",),
    ),
    Defect(
        name="the first address of X-Forwarded-For is believed",
        file="app/rates/addresses.py",
        old="for hop in reversed(hops)",
        new="for hop in hops",
        tests=("tests/app/test_addresses.py",),
    ),
    Defect(
        name="a Redis that is away refuses callers",
        file="app/rates/rates.py",
        old="except (StorageError, OSError, TimeoutError) as error:",
        new="except ZeroDivisionError as error:",
        tests=("tests/app/test_rates.py::test_a_redis_that_is_away_refuses_nobody",),
    ),
    Defect(
        name="an operation counts as one, whatever it asks for",
        file="schema/build.py",
        old="context.caller, context.address, values=operation.cost, mutations=operation.fields",
        new="context.caller, context.address, values=1, mutations=operation.fields",
        tests=("tests/system/test_rates.py::test_what_asks_for_much_uses_up_more",),
    ),
    Defect(
        name="a gateway that shares a forger's address is not heard",
        file="app/webhooks.py",
        old="if is_out and not _looks_signed(gateway, scope):",
        new="if is_out:",
        tests=("tests/system/test_rates.py::test_a_gateway_is_heard_though_a_forger_shares_its_address",),
    ),
    Defect(
        name="documents that nobody trusts are run",
        file="schema/trusted.py",
        old="if self._trust is Trust.ONLY:\n            raise",
        new="if False:\n            raise",
        tests=("tests/schema/test_trusted.py::test_anything_else_is_refused_before_it_is_parsed",),
    ),
    Defect(
        name="a document is remembered under another one's hash",
        file="schema/trusted.py",
        old="if asked_id.startswith(_PREFIX) and asked_id != document_id(text):",
        new="if False:",
        tests=("tests/schema/test_trusted.py::test_a_name_that_is_not_the_documents_is_refused",),
    ),
    Defect(
        name="refused documents push out good ones",
        file="schema/documents.py",
        old="self._refused.put(text, prepared, len(text))",
        new="self._remembered.put(text, prepared, len(text))",
        tests=("tests/schema/test_documents.py::test_refused_documents_cannot_push_out_good_ones",),
    ),
    Defect(
        name="a head is waited for without end",
        file="app/connections.py",
        old="self._expect_within(HEAD_SECONDS_MAX if self._in_head else REQUEST_SECONDS_MAX)",
        new="pass",
        tests=("tests/app/test_connections.py::test_a_head_that_comes_by_drops_is_given_up",),
    ),
    Defect(
        name="a value may be as deep as its parser bears",
        file="schema/requests.py",
        old="JSON_DEPTH_MAX: Final = 32",
        new="JSON_DEPTH_MAX: Final = 3_200",
        tests=("tests/system/test_hostile.py::test_a_hostile_request_is_refused_for_little",),
    ),
    Defect(
        name="of two hosts the first is believed",
        file="app/edge.py",
        old="if len(hosts) > 1:",
        new="if False:",
        tests=("tests/system/test_hardened.py::test_of_two_hosts_none_is_believed",),
    ),
)
