"""Pushes and notices of verdicts may be of every kind of mail: the rows said so, the ledger did not.

Revision: 0038, after 0037
"""

from typing import Final

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_TABLES: Final = ("push_messages", "verdict_notices")
_KINDS: Final = (
    "receipt refund verify_email known_address reset_password new_address credentials invitation opens_soon"
    " draw_result hold_begun hold_ends order_cancelled order_expired"
)


def upgrade() -> None:
    for table in _TABLES:
        _allow(table, f"{_KINDS} erased")


def downgrade() -> None:
    for table in _TABLES:
        op.execute(f"DELETE FROM {table} WHERE kind = 'erased'")  # noqa: S608 - a name from above
        _allow(table, _KINDS)


def _allow(table: str, words: str) -> None:
    """Let kinds be these words and no others."""
    name = op.f(f"ck_{table}_kind_known")
    listed = ", ".join(f"'{word}'" for word in words.split())
    op.drop_constraint(name, table)
    op.create_check_constraint(name, table, f"kind IN ({listed})")
