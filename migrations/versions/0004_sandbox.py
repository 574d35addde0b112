"""The tables of the sandbox, the embedded payment provider; the shop's own tables do not refer to them.

Revision: 0004, after 0003
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sandbox_charges",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("method", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("calls", sa.Integer(), server_default="0", nullable=False),
        sa.Column("settles_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refunded_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "refunded_minor = 0 OR state = 'succeeded'",
            name=op.f("ck_sandbox_charges_refunds_of_charges_only"),
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'succeeded', 'declined')", name=op.f("ck_sandbox_charges_state_known")
        ),
        sa.CheckConstraint(
            "refunded_minor BETWEEN 0 AND amount_minor",
            name=op.f("ck_sandbox_charges_refunds_within_the_charge"),
        ),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_sandbox_charges")),
        sa.UniqueConstraint("ref", name=op.f("uq_sandbox_charges_ref")),
        sa.UniqueConstraint("refund_id", name=op.f("uq_sandbox_charges_refund_id")),
    )
    op.create_index("ix_sandbox_charges_order_id", "sandbox_charges", ["order_id"], unique=False)
    op.create_table(
        "sandbox_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sandbox_events")),
    )
    op.create_index(
        "ix_sandbox_events_due_at",
        "sandbox_events",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_sandbox_events_due_at",
        table_name="sandbox_events",
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.drop_table("sandbox_events")
    op.drop_index("ix_sandbox_charges_order_id", table_name="sandbox_charges")
    op.drop_table("sandbox_charges")
