"""The first tables: accounts, catalogue, ledger, background tasks.

Revision: 0001, after None
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "products",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("image_url", sa.String(length=2000), nullable=True),
        sa.Column("list_price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_products_currency_is_iso_4217")),
        sa.CheckConstraint(
            "list_price_minor BETWEEN 0 AND 100000000000", name=op.f("ck_products_list_price_in_range")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
    )
    op.create_index("ix_products_created_at_id", "products", ["created_at", "id"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=100), server_default="", nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("role", sa.String(length=16), server_default="shopper", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("role IN ('shopper', 'admin')", name=op.f("ck_users_role_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_index("uq_users_email_lower", "users", [sa.literal_column("lower(email)")], unique=True)
    op.create_table(
        "sales",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=16), server_default="scheduled", nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("allocation", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sold", sa.Integer(), server_default="0", nullable=False),
        sa.Column("per_shopper_limit", sa.Integer(), server_default="1", nullable=False),
        sa.Column("hold_seconds", sa.Integer(), server_default="600", nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lobby_opens_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("admission_order", sa.String(length=16), server_default="fifo", nullable=False),
        sa.Column("rate_per_second", sa.Integer(), nullable=True),
        sa.Column("max_open_holds", sa.Integer(), nullable=True),
        sa.Column("epoch", sa.String(length=32), nullable=True),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("last_decided_ticket", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("drained_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "admission_order IN ('fifo', 'draw')", name=op.f("ck_sales_admission_order_known")
        ),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_sales_currency_is_iso_4217")),
        sa.CheckConstraint(
            "status IN ('scheduled', 'open', 'paused', 'ended', 'cancelled')",
            name=op.f("ck_sales_status_known"),
        ),
        sa.CheckConstraint("allocation BETWEEN 0 AND 10000000", name=op.f("ck_sales_allocation_in_range")),
        sa.CheckConstraint("held + sold <= allocation", name=op.f("ck_sales_never_oversold")),
        sa.CheckConstraint("held >= 0 AND sold >= 0", name=op.f("ck_sales_counts_not_negative")),
        sa.CheckConstraint("hold_seconds BETWEEN 1 AND 604800", name=op.f("ck_sales_hold_in_range")),
        sa.CheckConstraint("lobby_opens_at <= opens_at", name=op.f("ck_sales_lobby_before_opening")),
        sa.CheckConstraint("max_open_holds > 0", name=op.f("ck_sales_open_holds_positive")),
        sa.CheckConstraint("opens_at < closes_at", name=op.f("ck_sales_opens_before_it_closes")),
        sa.CheckConstraint("per_shopper_limit >= 1", name=op.f("ck_sales_limit_positive")),
        sa.CheckConstraint("price_minor BETWEEN 0 AND 100000000000", name=op.f("ck_sales_price_in_range")),
        sa.CheckConstraint("rate_per_second > 0", name=op.f("ck_sales_rate_positive")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_sales_product_id_products")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales")),
        sa.UniqueConstraint("number", name=op.f("uq_sales_number")),
    )
    op.create_index("ix_sales_created_at_id", "sales", ["created_at", "id"], unique=False)
    op.create_index(op.f("ix_sales_product_id"), "sales", ["product_id"], unique=False)
    op.create_index(
        "ix_sales_undrained", "sales", ["id"], unique=False, postgresql_where=sa.text("drained_at IS NULL")
    )
    op.create_table(
        "token_families",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("newest_jti", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_token_families_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token_families")),
    )
    op.create_index("ix_token_families_expires_at", "token_families", ["expires_at"], unique=False)
    op.create_index(
        "ix_token_families_revoked_at",
        "token_families",
        ["revoked_at"],
        unique=False,
        postgresql_where=sa.text("revoked_at IS NOT NULL"),
    )
    op.create_index("ix_token_families_user_id", "token_families", ["user_id"], unique=False)
    op.create_table(
        "adjustments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sale_id", sa.Uuid(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), server_default="pending", nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'applied', 'refused')", name=op.f("ck_adjustments_state_known")
        ),
        sa.CheckConstraint("units <> 0", name=op.f("ck_adjustments_units_not_zero")),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["users.id"], name=op.f("fk_adjustments_requested_by_users")
        ),
        sa.ForeignKeyConstraint(["sale_id"], ["sales.id"], name=op.f("fk_adjustments_sale_id_sales")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adjustments")),
    )
    op.create_index(
        "ix_adjustments_pending",
        "adjustments",
        ["sale_id"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "background_tasks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), server_default="PENDING", nullable=False),
        sa.Column("sale_id", sa.Uuid(), nullable=True),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column(
            "submitted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('PENDING', 'STARTED', 'RETRY', 'SUCCESS', 'FAILURE', 'REVOKED')",
            name=op.f("ck_background_tasks_state_known"),
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_background_tasks_attempts_not_negative")),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["users.id"], name=op.f("fk_background_tasks_requested_by_users")
        ),
        sa.ForeignKeyConstraint(["sale_id"], ["sales.id"], name=op.f("fk_background_tasks_sale_id_sales")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_background_tasks")),
    )
    op.create_index(
        "ix_background_tasks_submitted_at_id", "background_tasks", ["submitted_at", "id"], unique=False
    )
    op.create_table(
        "intents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sale_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("ticket", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("accept_fewer", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('waiting', 'queued', 'standby', 'held', 'sold_out', 'rejected', 'left')",
            name=op.f("ck_intents_status_known"),
        ),
        sa.CheckConstraint("quantity >= 1", name=op.f("ck_intents_quantity_positive")),
        sa.CheckConstraint("ticket >= 1", name=op.f("ck_intents_ticket_positive")),
        sa.ForeignKeyConstraint(["sale_id"], ["sales.id"], name=op.f("fk_intents_sale_id_sales")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_intents_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intents")),
        sa.UniqueConstraint("sale_id", "ticket", name=op.f("uq_intents_sale_id_ticket")),
    )
    op.create_index(
        "ix_intents_user_id_sale_id_ticket", "intents", ["user_id", "sale_id", "ticket"], unique=False
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("intent_id", sa.Uuid(), nullable=False),
        sa.Column("sale_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(paid_at IS NOT NULL) = (status IN ('paid', 'refunded'))", name=op.f("ck_orders_paid_has_a_time")
        ),
        sa.CheckConstraint(
            "status IN ('held', 'paying', 'paid', 'refunded', 'expired', 'cancelled')",
            name=op.f("ck_orders_status_known"),
        ),
        sa.CheckConstraint("quantity >= 1", name=op.f("ck_orders_quantity_positive")),
        sa.CheckConstraint("unit_price_minor >= 0", name=op.f("ck_orders_price_not_negative")),
        sa.ForeignKeyConstraint(["intent_id"], ["intents.id"], name=op.f("fk_orders_intent_id_intents")),
        sa.ForeignKeyConstraint(["sale_id"], ["sales.id"], name=op.f("fk_orders_sale_id_sales")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_orders_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("intent_id", name=op.f("uq_orders_intent_id")),
    )
    op.create_index("ix_orders_sale_id_created_at", "orders", ["sale_id", "created_at", "id"], unique=False)
    op.create_index("ix_orders_user_id_created_at", "orders", ["user_id", "created_at", "id"], unique=False)
    op.create_table(
        "order_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('held', 'paying', 'paid', 'refunded', 'expired', 'cancelled')",
            name=op.f("ck_order_events_status_known"),
        ),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_order_events_actor_id_users")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_events_order_id_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_events")),
    )
    op.create_index("ix_order_events_order_id_id", "order_events", ["order_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_order_events_order_id_id", table_name="order_events")
    op.drop_table("order_events")
    op.drop_index("ix_orders_user_id_created_at", table_name="orders")
    op.drop_index("ix_orders_sale_id_created_at", table_name="orders")
    op.drop_table("orders")
    op.drop_index("ix_intents_user_id_sale_id_ticket", table_name="intents")
    op.drop_table("intents")
    op.drop_index("ix_background_tasks_submitted_at_id", table_name="background_tasks")
    op.drop_table("background_tasks")
    op.drop_index(
        "ix_adjustments_pending", table_name="adjustments", postgresql_where=sa.text("state = 'pending'")
    )
    op.drop_table("adjustments")
    op.drop_index("ix_token_families_user_id", table_name="token_families")
    op.drop_index(
        "ix_token_families_revoked_at",
        table_name="token_families",
        postgresql_where=sa.text("revoked_at IS NOT NULL"),
    )
    op.drop_index("ix_token_families_expires_at", table_name="token_families")
    op.drop_table("token_families")
    op.drop_index("ix_sales_undrained", table_name="sales", postgresql_where=sa.text("drained_at IS NULL"))
    op.drop_index(op.f("ix_sales_product_id"), table_name="sales")
    op.drop_index("ix_sales_created_at_id", table_name="sales")
    op.drop_table("sales")
    op.drop_index("uq_users_email_lower", table_name="users")
    op.drop_table("users")
    op.drop_index("ix_products_created_at_id", table_name="products")
    op.drop_table("products")
