"""Suspense, leases of jobs, deliveries that wait for their payment, and the ledger's guards."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_EVENT_TYPES = "'ORDER_CREATED', 'ORDER_CONFIRMED', 'ORDER_COMPLETED', 'ORDER_CANCELED', 'ORDER_EXPIRED', 'ORDER_REOPENED', 'PAYMENT_CREATED', 'PAYMENT_ACTION_REQUIRED', 'PAYMENT_PROCESSING', 'PAYMENT_AUTHORIZED', 'PAYMENT_SUCCEEDED', 'PAYMENT_FAILED', 'PAYMENT_CANCELED', 'PAYMENT_EXPIRED', 'PAYMENT_CONFLICTED', 'REFUND_CREATED', 'REFUND_SUCCEEDED', 'REFUND_FAILED', 'DISPUTE_OPENED', 'DISPUTE_WON', 'DISPUTE_LOST', 'FULFILLMENT_CHANGED'"
_GATEWAYS = "'STRIPE', 'PAYPAL', 'RAZORPAY', 'PAYTM', 'SANDBOX'"
_UNMATCHED = sa.text("status = 'UNMATCHED'")


def upgrade() -> None:
    """Apply."""
    _columns()
    _jobs()
    _suspense()
    _events(f"{_EVENT_TYPES}, 'SUSPENSE_OPENED', 'SUSPENSE_RESOLVED'")
    _guards()


def _columns() -> None:
    op.drop_index("ix_orders_expiring", table_name="orders")
    for column in ("has_suspense", "called_off"):
        op.add_column("orders", sa.Column(column, sa.Boolean(), nullable=False, server_default=sa.false()))
    for column in ("disputed_minor", "suspended_minor"):
        op.add_column(
            "payments", sa.Column(column, sa.BigInteger(), nullable=False, server_default=sa.text("0"))
        )
    op.create_check_constraint(op.f("ck_payments_disputed_minor"), "payments", "disputed_minor >= 0")
    op.add_column("inbox_events", sa.Column("named_payment_id", sa.Uuid(), nullable=True))
    op.add_column("inbox_events", sa.Column("reference", sa.Text(), nullable=True))
    # One that is read again from the inbox is no delivery.
    op.drop_constraint(op.f("ck_inbox_events_deliveries"), "inbox_events", type_="check")
    op.create_check_constraint(op.f("ck_inbox_events_deliveries"), "inbox_events", "deliveries >= 0")
    op.create_index(
        "ix_inbox_events_waiting_by_reference",
        "inbox_events",
        ["gateway", "reference"],
        postgresql_where=_UNMATCHED,
    )
    op.create_index(
        "ix_inbox_events_waiting_by_payment",
        "inbox_events",
        ["named_payment_id"],
        postgresql_where=_UNMATCHED,
    )


def _jobs() -> None:
    op.drop_index(op.f("ix_jobs_due_at"), table_name="jobs")
    op.drop_column("jobs", "locked_until")
    op.add_column("jobs", sa.Column("gateway", sa.Text(), nullable=True))
    op.add_column("jobs", sa.Column("lease_id", sa.Uuid(), nullable=True))
    op.add_column("jobs", sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("died_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_jobs_kind"),
        "jobs",
        "kind IN ('PAYMENT_POLL', 'PAYMENT_CANCEL', 'REFUND', 'SUSPENSE_REFUND', 'ORDER_EXPIRY', 'INBOX_REPLAY', 'GATEWAY_BACKFILL')",
    )
    op.create_check_constraint(op.f("ck_jobs_gateway"), "jobs", f"gateway IN ({_GATEWAYS})")
    op.create_check_constraint(op.f("ck_jobs_lease"), "jobs", "(lease_id IS NULL) = (leased_until IS NULL)")
    op.create_index("ix_jobs_due", "jobs", ["due_at"], postgresql_where=sa.text("died_at IS NULL"))
    op.create_index("ix_jobs_dead", "jobs", ["died_at"], postgresql_where=sa.text("died_at IS NOT NULL"))


def _suspense() -> None:
    op.create_table(
        "suspense_items",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "reason IN ('UNKNOWN_ORDER', 'AMOUNT_MISMATCH', 'CURRENCY_MISMATCH', 'LATE_PAYMENT', 'SURPLUS')",
            name=op.f("ck_suspense_items_reason"),
        ),
        sa.CheckConstraint(f"gateway IN ({_GATEWAYS})", name=op.f("ck_suspense_items_gateway")),
        sa.CheckConstraint(
            "resolution IN ('REFUND', 'APPLY_TO_ORDER', 'WRITE_OFF')",
            name=op.f("ck_suspense_items_resolution"),
        ),
        sa.CheckConstraint("amount_minor >= 1", name=op.f("ck_suspense_items_amount_minor")),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_suspense_items_currency")),
        sa.CheckConstraint(
            "(resolution IS NULL) = (resolved_at IS NULL)", name=op.f("ck_suspense_items_resolved")
        ),
        sa.CheckConstraint(
            "payment_id IS NOT NULL OR reason = 'UNKNOWN_ORDER'", name=op.f("ck_suspense_items_payment")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_suspense_items_order_id_orders")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_suspense_items_payment_id_payments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suspense_items")),
    )
    op.create_index(op.f("ix_suspense_items_created_at_id"), "suspense_items", ["created_at", "id"])
    op.create_index(op.f("ix_suspense_items_order_id"), "suspense_items", ["order_id"])
    op.create_index(
        "ix_suspense_items_open",
        "suspense_items",
        ["created_at", "id"],
        postgresql_where=sa.text("resolution IS NULL"),
    )
    op.create_index(
        "ix_suspense_items_unknown",
        "suspense_items",
        ["gateway", "reference"],
        postgresql_where=sa.text("resolution IS NULL AND payment_id IS NULL"),
    )


def _events(types: str) -> None:
    op.drop_constraint(op.f("ck_order_events_type"), "order_events", type_="check")
    op.create_check_constraint(op.f("ck_order_events_type"), "order_events", f"type IN ({types})")


def _guards() -> None:
    op.execute(
        """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% on %: rows are only ever added there', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$
"""
    )
    op.execute(
        """
CREATE FUNCTION refuse_imbalance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  imbalance record;
BEGIN
  SELECT currency, sum(amount_minor) AS amount_minor INTO imbalance
    FROM ledger_entries WHERE transaction_id = NEW.transaction_id
   GROUP BY currency HAVING sum(amount_minor) <> 0 LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'ledger transaction % does not balance: % % too much', NEW.transaction_id,
      imbalance.amount_minor, imbalance.currency USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END
$$
"""
    )
    for table in ("order_events", "ledger_entries"):
        op.execute(
            f"CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(
        """
CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON ledger_entries DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION refuse_imbalance()
"""
    )


def downgrade() -> None:
    """Take back."""
    op.execute("DROP TRIGGER balanced ON ledger_entries")
    for table in ("order_events", "ledger_entries"):
        op.execute(f"DROP TRIGGER only_grows ON {table}")
    op.execute("DROP FUNCTION refuse_imbalance")
    op.execute("DROP FUNCTION refuse_change")
    _events(_EVENT_TYPES)
    op.drop_table("suspense_items")
    op.drop_index("ix_jobs_dead", table_name="jobs")
    op.drop_index("ix_jobs_due", table_name="jobs")
    for constraint in ("ck_jobs_lease", "ck_jobs_gateway", "ck_jobs_kind"):
        op.drop_constraint(op.f(constraint), "jobs", type_="check")
    for column in ("died_at", "leased_until", "lease_id", "gateway"):
        op.drop_column("jobs", column)
    op.add_column("jobs", sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_jobs_due_at"), "jobs", ["due_at"])
    op.drop_index("ix_inbox_events_waiting_by_payment", table_name="inbox_events")
    op.drop_index("ix_inbox_events_waiting_by_reference", table_name="inbox_events")
    for column in ("reference", "named_payment_id"):
        op.drop_column("inbox_events", column)
    op.drop_constraint(op.f("ck_inbox_events_deliveries"), "inbox_events", type_="check")
    op.create_check_constraint(op.f("ck_inbox_events_deliveries"), "inbox_events", "deliveries >= 1")
    op.drop_constraint(op.f("ck_payments_disputed_minor"), "payments", type_="check")
    for column in ("suspended_minor", "disputed_minor"):
        op.drop_column("payments", column)
    for column in ("called_off", "has_suspense"):
        op.drop_column("orders", column)
    op.create_index(
        "ix_orders_expiring",
        "orders",
        ["expires_at"],
        postgresql_where=sa.text("status = 'PENDING' AND expires_at IS NOT NULL"),
    )
