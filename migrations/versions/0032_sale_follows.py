"""The sales that accounts follow; mails to many are found apart from those that somebody waits for.

Revision: 0032, after 0034
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0034"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "sale_follows",
        sa.Column("sale_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("told_opening", _TIME, nullable=True),
        sa.Column("tellings", sa.SmallInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["sale_id"], ["sales.id"], name=op.f("fk_sale_follows_sale_id_sales"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_sale_follows_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sale_id", "user_id", name=op.f("pk_sale_follows")),
    )
    op.create_index("ix_sale_follows_user_id", "sale_follows", ["user_id", "created_at", "sale_id"])
    op.create_index("ix_sale_follows_told_opening", "sale_follows", ["sale_id", "told_opening"])
    op.create_index(
        "ix_mails_due_at_awaited",
        "mails",
        ["due_at", "id"],
        postgresql_where=sa.text("due_at IS NOT NULL AND kind <> 'opens_soon'"),
    )


def downgrade() -> None:
    op.drop_index("ix_mails_due_at_awaited", "mails")
    op.drop_table("sale_follows")
