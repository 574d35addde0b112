"""Holds are released and lobbies drawn: standby without a verdict, released holds, the draw's seed.

Revision: 0002, after 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SEED = sa.text("encode(sha256(convert_to(gen_random_uuid()::text, 'UTF8')), 'hex')")


def upgrade() -> None:
    op.alter_column("intents", "decided_at", existing_type=sa.DateTime(timezone=True), nullable=True)
    op.create_check_constraint(
        op.f("ck_intents_decided_has_a_time"), "intents", "(decided_at IS NULL) = (status = 'standby')"
    )
    op.add_column("orders", sa.Column("released_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_orders_held_until", "orders", ["expires_at"], postgresql_where=sa.text("status = 'held'")
    )
    op.create_index(
        "ix_orders_unreleased",
        "orders",
        ["id"],
        postgresql_where=sa.text("released_at IS NULL AND status IN ('expired', 'cancelled')"),
    )
    op.add_column("sales", sa.Column("draw_seed", sa.String(length=64), nullable=False, server_default=_SEED))
    op.alter_column("sales", "draw_seed", server_default=None)
    op.add_column("sales", sa.Column("lobby_size", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("sales", "lobby_size")
    op.drop_column("sales", "draw_seed")
    op.drop_index("ix_orders_unreleased", table_name="orders")
    op.drop_index("ix_orders_held_until", table_name="orders")
    op.drop_column("orders", "released_at")
    op.drop_constraint(op.f("ck_intents_decided_has_a_time"), "intents")
    op.alter_column("intents", "decided_at", existing_type=sa.DateTime(timezone=True), nullable=False)
