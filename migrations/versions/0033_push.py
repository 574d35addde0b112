"""Web push: browsers that may be told, and what is to be told to each.

Revision: 0033, after 0029
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0029"
branch_labels = None
depends_on = None

_KINDS = (
    "'receipt', 'refund', 'verify_email', 'known_address', 'reset_password', 'new_address', 'credentials',"
    " 'invitation', 'opens_soon', 'draw_result', 'hold_begun', 'hold_ends', 'order_cancelled',"
    " 'order_expired'"
)
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "push_subscriptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=True),
        sa.Column("endpoint", sa.String(2000), nullable=False),
        sa.Column("p256dh", sa.String(90), nullable=False),
        sa.Column("auth", sa.String(30), nullable=False),
        sa.Column("user_agent", sa.String(200), server_default="", nullable=False),
        sa.Column("created_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_push_subscriptions_user_id_users"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["family_id"],
            ["token_families.id"],
            name=op.f("fk_push_subscriptions_family_id_token_families"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_subscriptions")),
        sa.UniqueConstraint("endpoint", name=op.f("uq_push_subscriptions_endpoint")),
    )
    op.create_index("ix_push_subscriptions_user_id", "push_subscriptions", ["user_id", "created_at"])
    op.create_index("ix_push_subscriptions_family_id", "push_subscriptions", ["family_id"])
    _create_messages()


def _create_messages() -> None:
    op.create_table(
        "push_messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("contents", postgresql.JSONB(), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("due_at", _TIME, nullable=True),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("sent_at", _TIME, nullable=True),
        sa.CheckConstraint(f"kind IN ({_KINDS})", name=op.f("ck_push_messages_kind_known")),
        sa.CheckConstraint(
            "sent_at IS NULL OR due_at IS NULL", name=op.f("ck_push_messages_sent_is_not_due")
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["push_subscriptions.id"],
            name=op.f("fk_push_messages_subscription_id_push_subscriptions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_messages")),
        sa.UniqueConstraint(
            "subscription_id", "kind", "name", name=op.f("uq_push_messages_subscription_id_kind_name")
        ),
    )
    is_due = "due_at IS NOT NULL"
    for name, which in (("", is_due), ("_awaited", f"{is_due} AND kind <> 'opens_soon'")):
        columns = ["due_at", "id"]
        op.create_index(
            f"ix_push_messages_due_at{name}", "push_messages", columns, postgresql_where=sa.text(which)
        )
    op.create_index("ix_push_messages_created_at", "push_messages", ["created_at"])


def downgrade() -> None:
    op.drop_table("push_messages")
    op.drop_table("push_subscriptions")
