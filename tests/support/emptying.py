"""Empties the stores before a test."""

from typing import Final

import redis
from sqlalchemy import Connection, text

from models.database import Database
from models.tables.rows import metadata

TABLES: Final = tuple(
    table.name for table in reversed(metadata.sorted_tables) if table.name != "ledger_identity"
)
# Deleting few rows takes a thousandth of what new files for all tables and their indexes take, which is what
# TRUNCATE makes; it leaves dead rows behind, of which there may be so many until they cost more.
MUCH_BYTES: Final = 4 * 1024 * 1024

EVERYTHING: Final = ", ".join(TABLES)
SIZE: Final = text("SELECT " + " + ".join(f"pg_relation_size('{name}')" for name in TABLES))
FILLED: Final = text(
    " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in TABLES)
)


def empty(database_url: str, redis_url: str) -> None:
    """Remove every row and every key of the live state; it stays the same ledger.

    Sales go on being numbered: a process that remembers a sale by its number remembers the right one.
    """
    database = Database(database_url)
    try:
        with database.connection() as connection:
            _remove_rows(connection)
    finally:
        database.dispose()
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()


def _remove_rows(connection: Connection) -> None:
    # As TRUNCATE does: whatever is under way is waited for, so that nothing of it comes afterwards.
    connection.execute(text(f"LOCK TABLE {EVERYTHING} IN ACCESS EXCLUSIVE MODE"))
    if connection.execute(SIZE).scalar_one() > MUCH_BYTES:
        connection.execute(text(f"TRUNCATE {EVERYTHING}"))
        return
    filled = list(connection.execute(FILLED).scalars())
    if filled:
        # All of them go, so that no reference has to be looked after.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("; ".join(f"DELETE FROM {name}" for name in filled)))
