"""The ledger's identity: a random id, by which a Redis is known to belong to it.

Revision: 0009, after 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_identity",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("is_only", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("is_only", name=op.f("ck_ledger_identity_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_identity")),
        sa.UniqueConstraint("is_only", name=op.f("uq_ledger_identity_is_only")),
    )
    op.execute("INSERT INTO ledger_identity DEFAULT VALUES")


def downgrade() -> None:
    op.drop_table("ledger_identity")
