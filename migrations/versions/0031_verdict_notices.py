"""Verdicts that are told by mail to who did not hear of them. Revision: 0031, after 0033."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0033"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_KINDS = (
    "'receipt', 'refund', 'verify_email', 'known_address', 'reset_password', 'new_address', 'credentials',"
    " 'invitation', 'opens_soon', 'draw_result', 'hold_begun', 'hold_ends', 'order_cancelled',"
    " 'order_expired'"
)


def upgrade() -> None:
    op.create_table(
        "verdict_notices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("sale_id", sa.Uuid(), nullable=False),
        sa.Column("intent_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("due_at", _TIME, nullable=False),
        sa.CheckConstraint(f"kind IN ({_KINDS})", name=op.f("ck_verdict_notices_kind_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdict_notices")),
    )
    op.create_index("ix_verdict_notices_due_at", "verdict_notices", ["due_at"])


def downgrade() -> None:
    op.drop_table("verdict_notices")
