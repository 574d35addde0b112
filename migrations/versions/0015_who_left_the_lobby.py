"""Who left the lobby has a verdict and no ticket: tickets are given when the sale opens.

Revision: 0015, after 0008
"""

from alembic import op

revision = "0015"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("intents", "ticket", nullable=True)
    op.create_check_constraint(
        op.f("ck_intents_only_who_left_has_no_ticket"), "intents", "ticket IS NOT NULL OR status = 'left'"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_intents_only_who_left_has_no_ticket"), "intents", type_="check")
    op.execute("DELETE FROM intents WHERE ticket IS NULL")
    op.alter_column("intents", "ticket", nullable=False)
