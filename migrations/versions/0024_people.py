"""Roles of staff, addresses that are confirmed, languages, links that are mailed, mails about any of it.

Every admin of today becomes an owner. Revision: 0024, after 0022
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0022"
branch_labels = None
depends_on = None

_KINDS = (
    "'receipt', 'refund', 'verify_email', 'known_address', 'reset_password', 'new_address', 'credentials',"
    " 'invitation', 'opens_soon', 'draw_result', 'hold_begun', 'hold_ends', 'order_cancelled',"
    " 'order_expired'"
)
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _add_to_users()
    for column in ("last_used_at", "confirmed_at", "second_factor_at"):
        op.add_column("token_families", sa.Column(column, _TIME, nullable=True))
    for column, most in (("user_agent", 200), ("network", 64)):
        op.add_column("token_families", sa.Column(column, sa.String(most), server_default="", nullable=False))
    op.add_column(
        "sales",
        sa.Column("requires_verified_email", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    _create_links()
    _widen_mails()


def _add_to_users() -> None:
    for column in (
        sa.Column("staff_role", sa.String(16), nullable=True),
        sa.Column("email_verified_at", _TIME, nullable=True),
        sa.Column("password_changed_at", _TIME, nullable=True),
        sa.Column("language", sa.String(8), nullable=True),
        sa.Column("time_zone", sa.String(64), nullable=True),
        sa.Column("mail_choices", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("totp_secret", sa.String(255), nullable=True),
        sa.Column("totp_confirmed_at", _TIME, nullable=True),
        sa.Column("totp_last_step", sa.BigInteger(), nullable=True),
        sa.Column("terms_version", sa.String(32), nullable=True),
        sa.Column("terms_accepted_at", _TIME, nullable=True),
        sa.Column("erased_at", _TIME, nullable=True),
    ):
        op.add_column("users", column)
    op.execute("UPDATE users SET staff_role = 'owner' WHERE role = 'admin'")
    op.create_check_constraint(
        op.f("ck_users_staff_role_known"),
        "users",
        "staff_role IN ('viewer', 'operator', 'finance', 'owner')",
    )
    op.create_check_constraint(
        op.f("ck_users_staff_are_admins"), "users", "(staff_role IS NOT NULL) = (role = 'admin')"
    )


def _create_links() -> None:
    op.create_table(
        "account_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("email", sa.String(254), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("used_at", _TIME, nullable=True),
        sa.CheckConstraint(
            "kind IN ('verify_email', 'change_email', 'reset_password', 'invitation', 'order')",
            name=op.f("ck_account_links_kind_known"),
        ),
        sa.CheckConstraint(
            "(email IS NOT NULL) = (kind = 'change_email')",
            name=op.f("ck_account_links_changes_name_an_address"),
        ),
        sa.CheckConstraint(
            "(order_id IS NOT NULL) = (kind = 'order')", name=op.f("ck_account_links_orders_are_named")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_account_links_user_id_users"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_account_links_order_id_orders"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_links")),
        sa.UniqueConstraint("digest", name=op.f("uq_account_links_digest")),
    )
    op.create_index("ix_account_links_user_id", "account_links", ["user_id", "kind"])
    op.create_index("ix_account_links_expires_at", "account_links", ["expires_at"])


def _widen_mails() -> None:
    op.alter_column("mails", "order_id", nullable=True)
    op.add_column("mails", sa.Column("user_id", sa.Uuid(), nullable=True))
    op.add_column("mails", sa.Column("language", sa.String(8), server_default="en", nullable=False))
    op.add_column("mails", sa.Column("time_zone", sa.String(64), server_default="UTC", nullable=False))
    op.add_column("mails", sa.Column("contents", postgresql.JSONB(), server_default="{}", nullable=False))
    op.create_foreign_key(op.f("fk_mails_user_id_users"), "mails", "users", ["user_id"], ["id"])
    op.create_index("ix_mails_user_id", "mails", ["user_id"])
    op.execute("UPDATE mails SET user_id = orders.user_id FROM orders WHERE orders.id = mails.order_id")
    op.drop_constraint(op.f("ck_mails_kind_known"), "mails")
    op.create_check_constraint(op.f("ck_mails_kind_known"), "mails", f"kind IN ({_KINDS})")
    op.create_check_constraint(
        op.f("ck_mails_money_names_an_order"),
        "mails",
        "order_id IS NOT NULL OR kind NOT IN ('receipt', 'refund')",
    )


def downgrade() -> None:
    op.execute(
        "DELETE FROM mails WHERE kind NOT IN ('receipt', 'refund')"
    )  # the older release cannot send them
    op.drop_constraint(op.f("ck_mails_money_names_an_order"), "mails")
    op.drop_constraint(op.f("ck_mails_kind_known"), "mails")
    op.create_check_constraint(op.f("ck_mails_kind_known"), "mails", "kind IN ('receipt', 'refund')")
    for column in ("contents", "time_zone", "language", "user_id"):
        op.drop_column("mails", column)
    op.alter_column("mails", "order_id", nullable=False)
    op.drop_table("account_links")
    op.drop_column("sales", "requires_verified_email")
    for column in ("network", "user_agent", "second_factor_at", "confirmed_at", "last_used_at"):
        op.drop_column("token_families", column)
    op.drop_constraint(op.f("ck_users_staff_are_admins"), "users")
    op.drop_constraint(op.f("ck_users_staff_role_known"), "users")
    for column in (
        "erased_at",
        "terms_accepted_at",
        "terms_version",
        "totp_last_step",
        "totp_confirmed_at",
        "totp_secret",
        "mail_choices",
        "time_zone",
        "language",
        "password_changed_at",
        "email_verified_at",
        "staff_role",
    ):
        op.drop_column("users", column)
