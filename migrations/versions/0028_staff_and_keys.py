"""Keys for programs, which the admins' log names; invitations carry the role that they are for.

Revision: 0028, after 0035
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0035"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_ROLES = "'viewer', 'operator', 'finance', 'owner'"
_DEEDS = (
    "created", "cloned", "changed", "archived", "opened", "paused", "resumed", "ended", "cancelled",
    "rebuilt", "retried", "refund_asked", "banned", "unbanned", "factor_reset",
)  # fmt: skip
_OF_STAFF = ("invited", "uninvited", "joined", "role_changed", "removed", "revoked")
_KINDS = ("sale", "product", "order", "shopper", "task")


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("beginning", sa.String(16), nullable=False),
        sa.Column("staff_role", sa.String(16), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", _TIME, nullable=True),
        sa.Column("revoked_at", _TIME, nullable=True),
        sa.Column("last_used_at", _TIME, nullable=True),
        sa.CheckConstraint(f"staff_role IN ({_ROLES})", name=op.f("ck_api_keys_staff_role_known")),
        sa.ForeignKeyConstraint(["made_by"], ["users.id"], name=op.f("fk_api_keys_made_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_keys_digest")),
    )
    op.create_index("ix_api_keys_created_at_id", "api_keys", ["created_at", "id"])
    op.add_column("admin_log", sa.Column("key_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_admin_log_key_id_api_keys"), "admin_log", "api_keys", ["key_id"], ["id"])
    op.add_column("account_links", sa.Column("staff_role", sa.String(16), nullable=True))
    op.execute("DELETE FROM account_links WHERE kind = 'invitation'")  # nothing has written any
    op.create_check_constraint(
        op.f("ck_account_links_invitations_name_a_role"),
        "account_links",
        "(staff_role IS NOT NULL) = (kind = 'invitation')",
    )
    op.create_check_constraint(
        op.f("ck_account_links_staff_role_known"), "account_links", f"staff_role IN ({_ROLES})"
    )
    _restrict((*_DEEDS, *_OF_STAFF), (*_KINDS, "key"))


def downgrade() -> None:
    op.execute(
        sa.text("DELETE FROM admin_log WHERE deed = ANY(:deeds) OR subject_kind = 'key'").bindparams(
            sa.bindparam("deeds", list(_OF_STAFF), sa.ARRAY(sa.String()))
        )
    )  # the older release cannot name them
    _restrict(_DEEDS, _KINDS)
    op.drop_constraint(op.f("ck_account_links_staff_role_known"), "account_links")
    op.drop_constraint(op.f("ck_account_links_invitations_name_a_role"), "account_links")
    op.drop_column("account_links", "staff_role")
    op.drop_column("admin_log", "key_id")
    op.drop_table("api_keys")


def _restrict(deeds: Sequence[str], kinds: Sequence[str]) -> None:
    for column, words in (("deed", deeds), ("subject_kind", kinds)):
        listed = ", ".join(f"'{word}'" for word in words)
        op.drop_constraint(op.f(f"ck_admin_log_{column}_known"), "admin_log")
        op.create_check_constraint(
            op.f(f"ck_admin_log_{column}_known"), "admin_log", f"{column} IN ({listed})"
        )
