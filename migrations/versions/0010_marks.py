"""Marks of what lines accepted, and the tickets that rebuilds found lost.

Revision: 0010, after 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MARKS = ("accepted", "accepted_ticket", "noted")


def upgrade() -> None:
    for name in MARKS:
        op.add_column("sales", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("sales", sa.Column("noted_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_sales_noted_was_accepted"), "sales", "0 <= noted AND noted <= accepted"
    )
    op.create_table(
        "lost_tickets",
        sa.Column("sale_id", sa.Uuid(), nullable=False),
        sa.Column("first_ticket", sa.BigInteger(), nullable=False),
        sa.Column("last_ticket", sa.BigInteger(), nullable=False),
        sa.Column("before_opening", sa.Boolean(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "1 <= first_ticket AND first_ticket <= last_ticket", name=op.f("ck_lost_tickets_in_order")
        ),
        sa.ForeignKeyConstraint(["sale_id"], ["sales.id"], name=op.f("fk_lost_tickets_sale_id_sales")),
        sa.PrimaryKeyConstraint("sale_id", "first_ticket", name=op.f("pk_lost_tickets")),
    )


def downgrade() -> None:
    op.drop_table("lost_tickets")
    op.drop_constraint(op.f("ck_sales_noted_was_accepted"), "sales", type_="check")
    for name in ("noted_at", *reversed(MARKS)):
        op.drop_column("sales", name)
