"""Money: payments, refunds, webhooks that were taken, and receipts.

Revision: 0003, after 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "receipt_counters",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_receipt_counters")),
    )
    op.create_table(
        "webhook_events",
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("event_id", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("provider", "event_id", name=op.f("pk_webhook_events")),
    )
    op.create_table(
        "payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("method", sa.String(length=64), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(length=16), server_default="pending", nullable=False),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("ref", sa.String(length=255), nullable=True),
        sa.Column("client_secret", sa.Text(), nullable=True),
        sa.Column("idempotency_key", sa.String(length=128), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("patience_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pinned_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(finished_at IS NULL) = (status IN ('pending', 'abandoned', 'late'))",
            name=op.f("ck_payments_finished_has_a_time"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'abandoned', 'declined', 'late', 'succeeded', 'refunded')",
            name=op.f("ck_payments_status_known"),
        ),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_payments_amount_not_negative")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_payments_order_id_orders")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_payments_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("user_id", "idempotency_key", name=op.f("uq_payments_user_id_idempotency_key")),
    )
    op.create_index(
        "ix_payments_due_at",
        "payments",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index("ix_payments_order_id_created_at", "payments", ["order_id", "created_at"], unique=False)
    op.create_index(
        "uq_payments_one_charge",
        "payments",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("status = 'succeeded'"),
    )
    op.create_index(
        "uq_payments_one_open",
        "payments",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('pending', 'abandoned')"),
    )
    op.create_index(
        "uq_payments_ref",
        "payments",
        ["provider", "ref"],
        unique=True,
        postgresql_where=sa.text("ref IS NOT NULL"),
    )
    op.create_table(
        "receipts",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("item", sa.String(length=200), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("buyer_name", sa.String(length=100), nullable=False),
        sa.Column("buyer_email", sa.String(length=254), nullable=False),
        sa.CheckConstraint("number >= 1", name=op.f("ck_receipts_number_positive")),
        sa.CheckConstraint(
            "total_minor = unit_price_minor * quantity", name=op.f("ck_receipts_total_adds_up")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_receipts_order_id_orders")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_receipts")),
        sa.UniqueConstraint("year", "number", name=op.f("uq_receipts_year_number")),
    )
    op.create_table(
        "refunds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("cause", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("status", sa.String(length=16), server_default="pending", nullable=False),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("ref", sa.String(length=255), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(finished_at IS NULL) = (status = 'pending')", name=op.f("ck_refunds_finished_has_a_time")
        ),
        sa.CheckConstraint(
            "cause IN ('admin', 'late', 'duplicate', 'sale_cancelled')", name=op.f("ck_refunds_cause_known")
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'succeeded', 'failed')", name=op.f("ck_refunds_status_known")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_refunds_order_id_orders")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_refunds_payment_id_payments")),
        sa.ForeignKeyConstraint(["requested_by"], ["users.id"], name=op.f("fk_refunds_requested_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("payment_id", name=op.f("uq_refunds_payment_id")),
    )
    op.create_index(
        "ix_refunds_due_at",
        "refunds",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index("ix_refunds_order_id", "refunds", ["order_id"], unique=False)
    op.add_column("orders", sa.Column("refunded_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("orders", sa.Column("receipt_number", sa.String(length=20), nullable=True))
    op.create_unique_constraint(op.f("uq_orders_receipt_number"), "orders", ["receipt_number"])
    op.create_check_constraint(
        op.f("ck_orders_refunded_has_a_time"), "orders", "(refunded_at IS NOT NULL) = (status = 'refunded')"
    )
    op.create_check_constraint(
        op.f("ck_orders_paid_has_a_receipt"), "orders", "(receipt_number IS NOT NULL) = (paid_at IS NOT NULL)"
    )
    op.drop_index("ix_orders_unreleased", table_name="orders")
    op.create_index(
        "ix_orders_unreleased",
        "orders",
        ["id"],
        postgresql_where=sa.text(
            "released_at IS NULL AND status IN ('expired', 'cancelled', 'paid', 'refunded')"
        ),
    )


def downgrade() -> None:
    op.drop_index("ix_orders_unreleased", table_name="orders")
    op.create_index(
        "ix_orders_unreleased",
        "orders",
        ["id"],
        postgresql_where=sa.text("released_at IS NULL AND status IN ('expired', 'cancelled')"),
    )
    op.drop_constraint(op.f("ck_orders_paid_has_a_receipt"), "orders")
    op.drop_constraint(op.f("ck_orders_refunded_has_a_time"), "orders")
    op.drop_constraint(op.f("uq_orders_receipt_number"), "orders", type_="unique")
    op.drop_column("orders", "receipt_number")
    op.drop_column("orders", "refunded_at")
    op.drop_index("ix_refunds_order_id", table_name="refunds")
    op.drop_index("ix_refunds_due_at", table_name="refunds", postgresql_where=sa.text("due_at IS NOT NULL"))
    op.drop_table("refunds")
    op.drop_table("receipts")
    op.drop_index("uq_payments_ref", table_name="payments", postgresql_where=sa.text("ref IS NOT NULL"))
    op.drop_index(
        "uq_payments_one_open",
        table_name="payments",
        postgresql_where=sa.text("status IN ('pending', 'abandoned')"),
    )
    op.drop_index(
        "uq_payments_one_charge", table_name="payments", postgresql_where=sa.text("status = 'succeeded'")
    )
    op.drop_index("ix_payments_order_id_created_at", table_name="payments")
    op.drop_index("ix_payments_due_at", table_name="payments", postgresql_where=sa.text("due_at IS NOT NULL"))
    op.drop_table("payments")
    op.drop_table("webhook_events")
    op.drop_table("receipt_counters")
