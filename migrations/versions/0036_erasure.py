"""Erased accounts: they name nobody; a mail and an entry of the admins' log tell of it.

Revision: 0036, after 0028
"""

from alembic import op

revision = "0036"
down_revision = "0028"
branch_labels = None
depends_on = None

_MAILS = (
    "receipt refund verify_email known_address reset_password new_address credentials invitation opens_soon"
    " draw_result hold_begun hold_ends order_cancelled order_expired"
)
_DEEDS = (
    "created cloned changed archived opened paused resumed ended cancelled rebuilt retried refund_asked"
    " banned unbanned factor_reset invited uninvited joined role_changed removed revoked"
)


def upgrade() -> None:
    _allow("mails", "kind", f"{_MAILS} erased")
    _allow("admin_log", "deed", f"{_DEEDS} erased")
    op.create_check_constraint(
        op.f("ck_users_erased_names_nobody"),
        "users",
        "erased_at IS NULL OR (name = '' AND email LIKE 'erased-%@erased.invalid')",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_users_erased_names_nobody"), "users")
    op.execute("DELETE FROM admin_log WHERE deed = 'erased'")  # the older release has no words for it
    op.execute("DELETE FROM mails WHERE kind = 'erased'")
    _allow("admin_log", "deed", _DEEDS)
    _allow("mails", "kind", _MAILS)


def _allow(table: str, column: str, words: str) -> None:
    """Let a column hold these words and no others."""
    name = op.f(f"ck_{table}_{column}_known")
    listed = ", ".join(f"'{word}'" for word in words.split())
    op.drop_constraint(name, table)
    op.create_check_constraint(name, table, f"{column} IN ({listed})")
