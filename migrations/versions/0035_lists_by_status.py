"""Lists of intents and orders read what they show: by status, of all sales and of each.

What a shopper has is found by fewer columns, which is what the new entries cost.

Revision: 0035, after 0031
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0031"
branch_labels = None
depends_on = None

NEW: Final = (
    ("ix_intents_user_id_sale_id", "intents", ("user_id", "sale_id")),
    ("ix_intents_by_status", "intents", (sa.text("lower(status)"), "submitted_at")),
    ("ix_intents_of_sale_by_status", "intents", ("sale_id", "status", "submitted_at")),
    ("ix_orders_user_id", "orders", ("user_id",)),
    ("ix_orders_by_status", "orders", (sa.text("lower(status)"), "created_at")),
    ("ix_orders_of_sale_by_status", "orders", ("sale_id", "status", "created_at")),
)
OLD: Final = (
    ("ix_intents_user_id_sale_id_ticket", "intents", ("user_id", "sale_id", "ticket")),
    ("ix_intents_submitted_at_id", "intents", ("submitted_at", "id")),
    ("ix_orders_user_id_created_at", "orders", ("user_id", "created_at", "id")),
    ("ix_orders_sale_id_created_at", "orders", ("sale_id", "created_at", "id")),
)


def upgrade() -> None:
    for name, table, columns in NEW:
        op.create_index(name, table, list(columns))
    op.create_index(
        "ix_intents_left", "intents", ["sale_id", "ticket"], postgresql_where=sa.text("status = 'left'")
    )
    for name, table, _ in OLD:
        op.drop_index(name, table_name=table)


def downgrade() -> None:
    for name, table, columns in OLD:
        op.create_index(name, table, list(columns))
    op.drop_index("ix_intents_left", table_name="intents")
    for name, table, _ in reversed(NEW):
        op.drop_index(name, table_name=table)
