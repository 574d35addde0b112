"""Recovery codes of second factors, and who has a second factor.

Revision: 0029, after 0030
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0030"
branch_labels = None
depends_on = None

_SET = sa.text("totp_secret IS NOT NULL")
_DEEDS = (
    "'created', 'cloned', 'changed', 'archived', 'opened', 'paused', 'resumed', 'ended', 'cancelled',"
    " 'rebuilt', 'retried', 'refund_asked', 'banned', 'unbanned'"
)


def upgrade() -> None:
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_recovery_codes_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "digest", name=op.f("pk_recovery_codes")),
    )
    op.create_index("ix_users_totp_secret", "users", ["totp_secret"], postgresql_where=_SET)
    _allow_deeds(f"{_DEEDS}, 'factor_reset'")


def downgrade() -> None:
    op.execute("DELETE FROM admin_log WHERE deed = 'factor_reset'")  # the older release has no word for it
    _allow_deeds(_DEEDS)
    op.drop_index("ix_users_totp_secret", "users")
    op.drop_table("recovery_codes")


def _allow_deeds(deeds: str) -> None:
    op.drop_constraint(op.f("ck_admin_log_deed_known"), "admin_log")
    op.create_check_constraint(op.f("ck_admin_log_deed_known"), "admin_log", f"deed IN ({deeds})")
