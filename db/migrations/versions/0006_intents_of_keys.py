"""What an idempotency key's first use set out to do."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("idempotency_keys", sa.Column("intent", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column("idempotency_keys", "intent")
