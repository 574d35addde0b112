"""Revisions of products, keys of changed allocations, and what was charged where it was the wrong amount.

Revision: 0012, after 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0008"
branch_labels = None
depends_on = None

_CAUSES = "'admin', 'late', 'duplicate'{more}, 'sale_cancelled'"


def upgrade() -> None:
    op.add_column("products", sa.Column("revision", sa.Integer(), server_default="1", nullable=False))
    op.add_column("adjustments", sa.Column("idempotency_key", sa.String(length=128), nullable=True))
    op.create_unique_constraint(
        op.f("uq_adjustments_requested_by_idempotency_key"),
        "adjustments",
        ["requested_by", "idempotency_key"],
    )
    op.add_column("payments", sa.Column("charged_minor", sa.BigInteger(), nullable=True))
    op.add_column("payments", sa.Column("charged_currency", sa.String(length=3), nullable=True))
    op.create_check_constraint(
        op.f("ck_payments_a_wrong_charge_never_pays"),
        "payments",
        "charged_minor IS NULL OR status IN ('late', 'refunded')",
    )
    op.create_check_constraint(
        op.f("ck_payments_charged_has_a_currency"),
        "payments",
        "(charged_minor IS NULL) = (charged_currency IS NULL)",
    )
    _know_causes(", 'wrong_charge'")


def downgrade() -> None:
    op.execute("UPDATE refunds SET cause = 'late' WHERE cause = 'wrong_charge'")
    _know_causes("")
    op.drop_constraint(op.f("ck_payments_charged_has_a_currency"), "payments", type_="check")
    op.drop_constraint(op.f("ck_payments_a_wrong_charge_never_pays"), "payments", type_="check")
    op.drop_column("payments", "charged_currency")
    op.drop_column("payments", "charged_minor")
    op.drop_constraint(op.f("uq_adjustments_requested_by_idempotency_key"), "adjustments", type_="unique")
    op.drop_column("adjustments", "idempotency_key")
    op.drop_column("products", "revision")


def _know_causes(more: str) -> None:
    op.drop_constraint(op.f("ck_refunds_cause_known"), "refunds", type_="check")
    op.create_check_constraint(
        op.f("ck_refunds_cause_known"), "refunds", f"cause IN ({_CAUSES.format(more=more)})"
    )
