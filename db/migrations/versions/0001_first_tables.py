"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from db.columns import Xid8

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "idempotency_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency_keys")),
        sa.UniqueConstraint("scope", "key", name=op.f("uq_idempotency_keys_scope_key")),
    )
    op.create_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_jobs_attempts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("kind", "subject_id", name=op.f("uq_jobs_kind_subject_id")),
    )
    op.create_index(op.f("ix_jobs_due_at"), "jobs", ["due_at"], unique=False)
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("payment_status", sa.Text(), nullable=False),
        sa.Column("fulfillment_status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("paid_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("payment_in_progress", sa.Boolean(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("customer_email", sa.Text(), nullable=True),
        sa.Column("late_payment_policy", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_orders_currency")),
        sa.CheckConstraint(
            "fulfillment_status IN ('UNFULFILLED', 'PREPARING', 'SHIPPED', 'DELIVERED', 'RETURNED')",
            name=op.f("ck_orders_fulfillment_status"),
        ),
        sa.CheckConstraint(
            "late_payment_policy IN ('HONOR', 'REFUND', 'HOLD')", name=op.f("ck_orders_late_payment_policy")
        ),
        sa.CheckConstraint(
            "payment_status IN ('UNPAID', 'PENDING', 'AUTHORIZED', 'PARTIALLY_PAID', 'PAID', 'OVERPAID', 'PARTIALLY_REFUNDED', 'REFUNDED', 'DISPUTED', 'REVIEW')",
            name=op.f("ck_orders_payment_status"),
        ),
        sa.CheckConstraint(
            "status IN ('PENDING', 'CONFIRMED', 'COMPLETED', 'CANCELED', 'EXPIRED')",
            name=op.f("ck_orders_status"),
        ),
        sa.CheckConstraint("paid_minor >= 0", name=op.f("ck_orders_paid_minor")),
        sa.CheckConstraint("refunded_minor >= 0", name=op.f("ck_orders_refunded_minor")),
        sa.CheckConstraint("total_minor >= 0", name=op.f("ck_orders_total_minor")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_orders_version")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("number", name=op.f("uq_orders_number")),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_index(op.f("ix_orders_created_at_id"), "orders", ["created_at", "id"], unique=False)
    op.create_index(op.f("ix_orders_customer_email"), "orders", ["customer_email"], unique=False)
    op.create_index(
        op.f("ix_orders_customer_id_created_at_id"),
        "orders",
        ["customer_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_orders_expiring",
        "orders",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status = 'PENDING' AND expires_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_orders_updated_at_id"), "orders", ["updated_at", "id"], unique=False)
    op.create_table(
        "products",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit_price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("image_url", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_products_currency")),
        sa.CheckConstraint("unit_price_minor >= 0", name=op.f("ck_products_unit_price_minor")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("sku", name=op.f("uq_products_sku")),
    )
    op.create_table(
        "order_access_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_access_tokens_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_access_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_order_access_tokens_token_hash")),
    )
    op.create_index(
        op.f("ix_order_access_tokens_order_id"), "order_access_tokens", ["order_id"], unique=False
    )
    op.create_table(
        "order_adjustments",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_order_adjustments_currency")),
        sa.CheckConstraint("kind IN ('SHIPPING', 'TAX', 'DISCOUNT')", name=op.f("ck_order_adjustments_kind")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_adjustments_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("order_id", "position", name=op.f("pk_order_adjustments")),
    )
    op.create_table(
        "order_lines",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_order_lines_currency")),
        sa.CheckConstraint("quantity >= 1", name=op.f("ck_order_lines_quantity")),
        sa.CheckConstraint("unit_price_minor >= 0", name=op.f("ck_order_lines_unit_price_minor")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_lines_order_id_orders")),
        sa.PrimaryKeyConstraint("order_id", "position", name=op.f("pk_order_lines")),
    )
    op.create_table(
        "payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("capture_method", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("authorized_minor", sa.BigInteger(), nullable=False),
        sa.Column("captured_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("next_action", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("last_error", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("late_authorized", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "capture_method IN ('AUTOMATIC', 'MANUAL')", name=op.f("ck_payments_capture_method")
        ),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_payments_currency")),
        sa.CheckConstraint(
            "gateway IN ('STRIPE', 'PAYPAL', 'RAZORPAY', 'PAYTM', 'SANDBOX')",
            name=op.f("ck_payments_gateway"),
        ),
        sa.CheckConstraint(
            "method IN ('CARD', 'UPI_INTENT', 'UPI_QR', 'NETBANKING', 'WALLET', 'PAYPAL', 'OTHER')",
            name=op.f("ck_payments_method"),
        ),
        sa.CheckConstraint(
            "status IN ('REQUIRES_PAYMENT_METHOD', 'REQUIRES_ACTION', 'PROCESSING', 'REQUIRES_CAPTURE', 'PARTIALLY_CAPTURED', 'SUCCEEDED', 'CANCELED', 'FAILED', 'EXPIRED', 'CONFLICTED')",
            name=op.f("ck_payments_status"),
        ),
        sa.CheckConstraint("amount_minor >= 1", name=op.f("ck_payments_amount_minor")),
        sa.CheckConstraint("authorized_minor >= 0", name=op.f("ck_payments_authorized_minor")),
        sa.CheckConstraint("captured_minor >= 0", name=op.f("ck_payments_captured_minor")),
        sa.CheckConstraint("refunded_minor >= 0", name=op.f("ck_payments_refunded_minor")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_payments_order_id_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("gateway", "reference", name=op.f("uq_payments_gateway_reference")),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_index(op.f("ix_payments_order_id"), "payments", ["order_id"], unique=False)
    op.create_table(
        "disputes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("respond_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_disputes_currency")),
        sa.CheckConstraint(
            "status IN ('NEEDS_RESPONSE', 'UNDER_REVIEW', 'WON', 'LOST')", name=op.f("ck_disputes_status")
        ),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_disputes_amount_minor")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_disputes_payment_id_payments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
        sa.UniqueConstraint("payment_id", "reference", name=op.f("uq_disputes_payment_id_reference")),
    )
    op.create_table(
        "facts",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("attempt_id", sa.Text(), nullable=True),
        sa.Column("own_id", sa.Uuid(), nullable=True),
        sa.Column("method", sa.Text(), nullable=True),
        sa.Column("failure", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("initiator", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("respond_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "gateway IN ('STRIPE', 'PAYPAL', 'RAZORPAY', 'PAYTM', 'SANDBOX')", name=op.f("ck_facts_gateway")
        ),
        sa.CheckConstraint(
            "initiator IN ('STAFF', 'API', 'LATE_PAYMENT', 'SURPLUS', 'GATEWAY')",
            name=op.f("ck_facts_initiator"),
        ),
        sa.CheckConstraint(
            "kind IN ('ATTEMPT_STARTED', 'ACTION_REQUIRED', 'PROCESSING', 'AUTHORIZED', 'CAPTURED', 'RELEASED', 'FAILED', 'CANCELED', 'LAPSED', 'REFUND_REQUESTED', 'REFUND_PENDING', 'REFUND_SUCCEEDED', 'REFUND_FAILED', 'REFUND_CANCELED', 'DISPUTE_OPENED', 'DISPUTE_UNDER_REVIEW', 'DISPUTE_WON', 'DISPUTE_LOST')",
            name=op.f("ck_facts_kind"),
        ),
        sa.CheckConstraint(
            "method IN ('CARD', 'UPI_INTENT', 'UPI_QR', 'NETBANKING', 'WALLET', 'PAYPAL', 'OTHER')",
            name=op.f("ck_facts_method"),
        ),
        sa.CheckConstraint(
            "(amount_minor IS NULL) = (currency IS NULL)", name=op.f("ck_facts_amount_has_currency")
        ),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_facts_amount_minor")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_facts_payment_id_payments")),
        sa.PrimaryKeyConstraint("gateway", "object_id", "kind", name=op.f("pk_facts")),
    )
    op.create_index(op.f("ix_facts_payment_id"), "facts", ["payment_id"], unique=False)
    op.create_table(
        "inbox_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("deliveries", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "gateway IN ('STRIPE', 'PAYPAL', 'RAZORPAY', 'PAYTM', 'SANDBOX')",
            name=op.f("ck_inbox_events_gateway"),
        ),
        sa.CheckConstraint(
            "status IN ('RECEIVED', 'APPLIED', 'IGNORED', 'UNMATCHED', 'FAILED')",
            name=op.f("ck_inbox_events_status"),
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_inbox_events_attempts")),
        sa.CheckConstraint("deliveries >= 1", name=op.f("ck_inbox_events_deliveries")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_inbox_events_payment_id_payments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_events")),
        sa.UniqueConstraint("gateway", "external_id", name=op.f("uq_inbox_events_gateway_external_id")),
    )
    op.create_index(op.f("ix_inbox_events_payment_id"), "inbox_events", ["payment_id"], unique=False)
    op.create_index(
        "ix_inbox_events_unapplied",
        "inbox_events",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('RECEIVED', 'UNMATCHED', 'FAILED')"),
    )
    op.create_table(
        "ledger_entries",
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "account IN ('CUSTOMER', 'GATEWAY_CLEARING', 'SALES', 'REFUNDS', 'DISPUTES', 'SUSPENSE')",
            name=op.f("ck_ledger_entries_account"),
        ),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_ledger_entries_currency")),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("ck_ledger_entries_amount_minor")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_ledger_entries_order_id_orders")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_ledger_entries_payment_id_payments")
        ),
        sa.PrimaryKeyConstraint("transaction_id", "position", name=op.f("pk_ledger_entries")),
    )
    op.create_index(op.f("ix_ledger_entries_order_id"), "ledger_entries", ["order_id"], unique=False)
    op.create_table(
        "order_events",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("payment_status", sa.Text(), nullable=False),
        sa.Column("fulfillment_status", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("xid", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.CheckConstraint(
            "fulfillment_status IN ('UNFULFILLED', 'PREPARING', 'SHIPPED', 'DELIVERED', 'RETURNED')",
            name=op.f("ck_order_events_fulfillment_status"),
        ),
        sa.CheckConstraint(
            "payment_status IN ('UNPAID', 'PENDING', 'AUTHORIZED', 'PARTIALLY_PAID', 'PAID', 'OVERPAID', 'PARTIALLY_REFUNDED', 'REFUNDED', 'DISPUTED', 'REVIEW')",
            name=op.f("ck_order_events_payment_status"),
        ),
        sa.CheckConstraint(
            "source IN ('API', 'WEBHOOK', 'POLL', 'SYSTEM', 'STAFF')", name=op.f("ck_order_events_source")
        ),
        sa.CheckConstraint(
            "status IN ('PENDING', 'CONFIRMED', 'COMPLETED', 'CANCELED', 'EXPIRED')",
            name=op.f("ck_order_events_status"),
        ),
        sa.CheckConstraint(
            "type IN ('ORDER_CREATED', 'ORDER_CONFIRMED', 'ORDER_COMPLETED', 'ORDER_CANCELED', 'ORDER_EXPIRED', 'ORDER_REOPENED', 'PAYMENT_CREATED', 'PAYMENT_ACTION_REQUIRED', 'PAYMENT_PROCESSING', 'PAYMENT_AUTHORIZED', 'PAYMENT_SUCCEEDED', 'PAYMENT_FAILED', 'PAYMENT_CANCELED', 'PAYMENT_EXPIRED', 'PAYMENT_CONFLICTED', 'REFUND_CREATED', 'REFUND_SUCCEEDED', 'REFUND_FAILED', 'DISPUTE_OPENED', 'DISPUTE_WON', 'DISPUTE_LOST', 'FULFILLMENT_CHANGED')",
            name=op.f("ck_order_events_type"),
        ),
        sa.CheckConstraint(
            "(amount_minor IS NULL) = (currency IS NULL)", name=op.f("ck_order_events_amount_has_currency")
        ),
        sa.CheckConstraint("version >= 1", name=op.f("ck_order_events_version")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_events_order_id_orders")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_order_events_payment_id_payments")
        ),
        sa.PrimaryKeyConstraint("order_id", "version", name=op.f("pk_order_events")),
    )
    op.create_index(
        op.f("ix_order_events_xid_order_id_version"),
        "order_events",
        ["xid", "order_id", "version"],
        unique=False,
    )
    op.create_table(
        "payment_attempts",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=True),
        sa.Column("failure", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("failed", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "method IN ('CARD', 'UPI_INTENT', 'UPI_QR', 'NETBANKING', 'WALLET', 'PAYPAL', 'OTHER')",
            name=op.f("ck_payment_attempts_method"),
        ),
        sa.CheckConstraint(
            "status IN ('STARTED', 'ACTION_REQUIRED', 'PROCESSING', 'AUTHORIZED', 'SUCCEEDED', 'FAILED', 'CANCELED')",
            name=op.f("ck_payment_attempts_status"),
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_payment_attempts_payment_id_payments")
        ),
        sa.PrimaryKeyConstraint("payment_id", "reference", name=op.f("pk_payment_attempts")),
    )
    op.create_table(
        "refunds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("initiated_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_refunds_currency")),
        sa.CheckConstraint(
            "initiated_by IN ('STAFF', 'API', 'LATE_PAYMENT', 'SURPLUS', 'GATEWAY')",
            name=op.f("ck_refunds_initiated_by"),
        ),
        sa.CheckConstraint(
            "status IN ('PENDING', 'SUCCEEDED', 'FAILED', 'CANCELED')", name=op.f("ck_refunds_status")
        ),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_refunds_amount_minor")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_refunds_payment_id_payments")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("payment_id", "reference", name=op.f("uq_refunds_payment_id_reference")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("refunds")
    op.drop_table("payment_attempts")
    op.drop_index(op.f("ix_order_events_xid_order_id_version"), table_name="order_events")
    op.drop_table("order_events")
    op.drop_index(op.f("ix_ledger_entries_order_id"), table_name="ledger_entries")
    op.drop_table("ledger_entries")
    op.drop_index(
        "ix_inbox_events_unapplied",
        table_name="inbox_events",
        postgresql_where=sa.text("status IN ('RECEIVED', 'UNMATCHED', 'FAILED')"),
    )
    op.drop_index(op.f("ix_inbox_events_payment_id"), table_name="inbox_events")
    op.drop_table("inbox_events")
    op.drop_index(op.f("ix_facts_payment_id"), table_name="facts")
    op.drop_table("facts")
    op.drop_table("disputes")
    op.drop_index(op.f("ix_payments_order_id"), table_name="payments")
    op.drop_table("payments")
    op.drop_table("order_lines")
    op.drop_table("order_adjustments")
    op.drop_index(op.f("ix_order_access_tokens_order_id"), table_name="order_access_tokens")
    op.drop_table("order_access_tokens")
    op.drop_table("products")
    op.drop_index(op.f("ix_orders_updated_at_id"), table_name="orders")
    op.drop_index(
        "ix_orders_expiring",
        table_name="orders",
        postgresql_where=sa.text("status = 'PENDING' AND expires_at IS NOT NULL"),
    )
    op.drop_index(op.f("ix_orders_customer_id_created_at_id"), table_name="orders")
    op.drop_index(op.f("ix_orders_customer_email"), table_name="orders")
    op.drop_index(op.f("ix_orders_created_at_id"), table_name="orders")
    op.drop_table("orders")
    op.drop_index(op.f("ix_jobs_due_at"), table_name="jobs")
    op.drop_table("jobs")
    op.drop_index(op.f("ix_idempotency_keys_created_at"), table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
