"""A journal of undecided intents, for strong mode; and when a sale was stopped since its stores differ.

Revision: 0022, after 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "intent_journal",
        sa.Column("intent_id", sa.Uuid(), nullable=False),
        sa.Column("sale_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("ticket", sa.BigInteger(), nullable=False),
        sa.Column("in_lobby", sa.Boolean(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("accept_fewer", sa.Boolean(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("intent_id", name=op.f("pk_intent_journal")),
    )
    op.create_index(
        "ix_intent_journal_tickets",
        "intent_journal",
        ["sale_id", "ticket"],
        unique=True,
        postgresql_where=sa.text("NOT in_lobby"),
    )
    op.create_index(
        "ix_intent_journal_lobbies", "intent_journal", ["sale_id"], postgresql_where=sa.text("in_lobby")
    )
    op.add_column("sales", sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("sales", "stopped_at")
    op.drop_table("intent_journal")
