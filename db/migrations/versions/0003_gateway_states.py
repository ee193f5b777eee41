"""What all processes share about a gateway, and due jobs found by their gateway."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "gateway_states",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("next_call_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rests_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("listed_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "gateway IN ('STRIPE', 'PAYPAL', 'RAZORPAY', 'PAYTM', 'SANDBOX')",
            name=op.f("ck_gateway_states_gateway"),
        ),
        sa.PrimaryKeyConstraint("gateway", name=op.f("pk_gateway_states")),
    )
    op.drop_index("ix_jobs_due", table_name="jobs")
    op.create_index("ix_jobs_due", "jobs", ["gateway", "due_at"], postgresql_where=sa.text("died_at IS NULL"))


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_jobs_due", table_name="jobs")
    op.create_index("ix_jobs_due", "jobs", ["due_at"], postgresql_where=sa.text("died_at IS NULL"))
    op.drop_table("gateway_states")
