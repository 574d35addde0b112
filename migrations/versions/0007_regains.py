"""Requests for units by those who paid late, noted before Redis is asked, so that a rebuild knows of them.

Revision: 0007, after 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payments", sa.Column("regain_asked_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_payments_only_late_asks_again"),
        "payments",
        "regain_asked_at IS NULL OR status = 'late'",
    )
    op.create_index(
        "ix_payments_regaining",
        "payments",
        ["order_id"],
        unique=False,
        postgresql_where=sa.text("regain_asked_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_payments_regaining",
        table_name="payments",
        postgresql_where=sa.text("regain_asked_at IS NOT NULL"),
    )
    op.drop_constraint(op.f("ck_payments_only_late_asks_again"), "payments", type_="check")
    op.drop_column("payments", "regain_asked_at")
