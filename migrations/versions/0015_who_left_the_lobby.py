"""A shopper who left the lobby has a verdict and no ticket; when a banned shopper is next looked for.

Revision: 0015, after 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("intents", "ticket", nullable=True)
    op.create_check_constraint(
        op.f("ck_intents_only_who_left_has_no_ticket"), "intents", "ticket IS NOT NULL OR status = 'left'"
    )
    op.add_column("users", sa.Column("expel_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_users_expel_at", "users", ["expel_at"], postgresql_where=sa.text("expel_at IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_users_expel_at", table_name="users")
    op.drop_column("users", "expel_at")
    op.drop_constraint(op.f("ck_intents_only_who_left_has_no_ticket"), "intents", type_="check")
    op.execute("DELETE FROM intents WHERE ticket IS NULL")
    op.alter_column("intents", "ticket", nullable=False)
