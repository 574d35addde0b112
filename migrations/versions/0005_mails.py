"""Mails to shoppers, counters for Prometheus, and indexes to list all work newest first.

Revision: 0005, after 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_OF_SALE = sa.text("substr(order_id::text, 1, 8)")  # an order's id begins with its sale's number


def upgrade() -> None:
    op.create_table(
        "tallies",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("labels", sa.String(length=128), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("total_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tallies")),
    )
    op.create_index("ix_tallies_name_labels", "tallies", ["name", "labels"])
    _create_mails()
    for table in ("payments", "refunds"):
        op.add_column(table, sa.Column("started_at", sa.DateTime(timezone=True), nullable=True))
        op.create_index(f"ix_{table}_created_at_id", table, ["created_at", "id"])
        op.create_index(f"ix_{table}_of_sale", table, [_OF_SALE, "created_at", "id"])
    op.create_index(
        "ix_payments_unfinished", "payments", ["created_at"], postgresql_where=sa.text("finished_at IS NULL")
    )
    op.create_index(
        "ix_refunds_unsettled", "refunds", ["created_at"], postgresql_where=sa.text("status <> 'succeeded'")
    )
    op.create_index("ix_intents_submitted_at_id", "intents", ["submitted_at", "id"])


def _create_mails() -> None:
    op.create_table(
        "mails",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.Column("to_name", sa.String(length=100), nullable=False),
        sa.Column("to_email", sa.String(length=254), nullable=False),
        sa.Column("message_id", sa.String(length=320), nullable=False),
        sa.Column("status", sa.String(length=16), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("given_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('receipt', 'refund')", name=op.f("ck_mails_kind_known")),
        sa.CheckConstraint("status IN ('pending', 'mailed', 'given_up')", name=op.f("ck_mails_status_known")),
        sa.CheckConstraint(
            "(refund_id IS NOT NULL) = (kind = 'refund')", name=op.f("ck_mails_refunds_are_named")
        ),
        sa.CheckConstraint(
            "(due_at IS NOT NULL) = (status = 'pending')", name=op.f("ck_mails_pending_is_due")
        ),
        sa.CheckConstraint(
            "(mailed_at IS NOT NULL) = (status = 'mailed')", name=op.f("ck_mails_mailed_has_a_time")
        ),
        sa.CheckConstraint(
            "(given_up_at IS NOT NULL) = (status = 'given_up')", name=op.f("ck_mails_given_up_has_a_time")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_mails_order_id_orders")),
        sa.ForeignKeyConstraint(["refund_id"], ["refunds.id"], name=op.f("fk_mails_refund_id_refunds")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
        sa.UniqueConstraint("message_id", name=op.f("uq_mails_message_id")),
        sa.UniqueConstraint("refund_id", name=op.f("uq_mails_refund_id")),
    )
    op.create_index("ix_mails_created_at_id", "mails", ["created_at", "id"])
    op.create_index("ix_mails_of_sale", "mails", [_OF_SALE, "created_at", "id"])
    op.create_index(
        "ix_mails_unmailed", "mails", ["created_at"], postgresql_where=sa.text("status <> 'mailed'")
    )
    op.create_index("ix_mails_due_at", "mails", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL"))
    op.create_index(
        "uq_mails_one_receipt",
        "mails",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'receipt'"),
    )


def downgrade() -> None:
    op.drop_index("ix_intents_submitted_at_id", table_name="intents")
    op.drop_index("ix_refunds_unsettled", table_name="refunds")
    op.drop_index("ix_payments_unfinished", table_name="payments")
    for table in ("refunds", "payments"):
        op.drop_index(f"ix_{table}_of_sale", table_name=table)
        op.drop_index(f"ix_{table}_created_at_id", table_name=table)
        op.drop_column(table, "started_at")
    op.drop_table("mails")
    op.drop_table("tallies")
