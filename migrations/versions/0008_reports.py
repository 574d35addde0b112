"""Reports of sales; the time at which an intent was put on standby, which they tell of.

Revision: 0008, after 0007
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sale_reports",
        sa.Column("sale_id", sa.Uuid(), nullable=False),
        sa.Column("is_final", sa.Boolean(), nullable=False),
        sa.Column("mark", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sold", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["sale_id"], ["sales.id"], name=op.f("fk_sale_reports_sale_id_sales")),
        sa.PrimaryKeyConstraint("sale_id", name=op.f("pk_sale_reports")),
    )
    op.add_column("intents", sa.Column("standby_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_background_tasks_sale_id", "background_tasks", ["sale_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_background_tasks_sale_id", table_name="background_tasks")
    op.drop_column("intents", "standby_at")
    op.drop_table("sale_reports")
