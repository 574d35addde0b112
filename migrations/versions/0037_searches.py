"""Accounts are found by any part of their address or name, and orders by the end of their id, by indexes.

What `pg_trgm` would do, without an extension: not every PostgreSQL has it.

Revision: 0037, after 0026
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0026"
branch_labels = None
depends_on = None

# All runs of so many characters in what is said, in small letters; in a language that is quick to enter.
_FUNCTION: Final = """
    CREATE FUNCTION fragments(said text, sizes int[]) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    DECLARE
        letters text := lower(said);
        size int;
        found text[] := '{}';
    BEGIN
        FOREACH size IN ARRAY sizes LOOP
            FOR place IN 1 .. length(letters) - size + 1 LOOP
                found := found || substr(letters, place, size);
            END LOOP;
        END LOOP;
        RETURN found;
    END $$
"""


def upgrade() -> None:
    op.execute(_FUNCTION)
    op.create_index(
        "ix_users_fragments",
        "users",
        [sa.text("fragments(email || ' ' || name, ARRAY[2, 3])")],
        postgresql_using="gin",
    )
    op.create_index(
        "ix_users_banned", "users", ["created_at", "id"], postgresql_where=sa.text("banned_at IS NOT NULL")
    )
    op.create_index(
        "ix_orders_end_of_id", "orders", [sa.text('reverse("right"(id::text, 12)) text_pattern_ops')]
    )


def downgrade() -> None:
    op.drop_index("ix_orders_end_of_id", table_name="orders")
    op.drop_index("ix_users_banned", table_name="users")
    op.drop_index("ix_users_fragments", table_name="users")
    op.execute("DROP FUNCTION fragments")
