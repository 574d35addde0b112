"""The control room: the admins' log, banned shoppers, and background tasks about a shopper.

Revision: 0006, after 0005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_DEEDS = (
    "deed IN ('created', 'cloned', 'changed', 'archived', 'opened', 'paused', 'resumed', 'ended', "
    "'cancelled', 'rebuilt', 'retried', 'refund_asked', 'banned', 'unbanned')"
)


def upgrade() -> None:
    op.create_table(
        "admin_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("deed", sa.String(length=16), nullable=False),
        sa.Column("subject_kind", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(_DEEDS, name=op.f("ck_admin_log_deed_known")),
        sa.CheckConstraint(
            "subject_kind IN ('sale', 'product', 'order', 'shopper', 'task')",
            name=op.f("ck_admin_log_subject_kind_known"),
        ),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_admin_log_actor_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_log")),
    )
    op.create_index("ix_admin_log_actor_id_id", "admin_log", ["actor_id", "id"], unique=False)
    op.create_index("ix_admin_log_subject_id_id", "admin_log", ["subject_id", "id"], unique=False)
    op.add_column("users", sa.Column("banned_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("users", sa.Column("ban_reason", sa.String(length=200), nullable=True))
    op.create_index("ix_users_created_at_id", "users", ["created_at", "id"], unique=False)
    op.add_column("background_tasks", sa.Column("subject_id", sa.Uuid(), nullable=True))


def downgrade() -> None:
    op.drop_column("background_tasks", "subject_id")
    op.drop_index("ix_users_created_at_id", table_name="users")
    op.drop_column("users", "ban_reason")
    op.drop_column("users", "banned_at")
    op.drop_table("admin_log")
