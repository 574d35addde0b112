"""Empties the stores before a test."""

from functools import cache
from typing import Final

import redis
from sqlalchemy import Connection, Engine, create_engine, delete, literal, select, text, union_all

from models.tables.rows import metadata

# Deleting few rows takes a thousandth of what new files for all tables and their indexes take, which is what
# TRUNCATE makes; it leaves dead rows behind, of which there may be so many until they cost more.
MUCH_BYTES: Final = 4 * 1024 * 1024

TABLES: Final = {table.name: table for table in metadata.sorted_tables if table.name != "ledger_identity"}
EVERYTHING: Final = ", ".join(TABLES)
SIZE: Final = text("SELECT " + " + ".join(f"pg_relation_size('{name}')" for name in TABLES))
FILLED: Final = union_all(
    *(select(literal(name)).where(select(table).exists()) for name, table in TABLES.items())
)


def empty(database_url: str, redis_url: str) -> None:
    """Remove every row and every key of the live state; it stays the same ledger.

    Sales go on being numbered: a process that remembers a sale by its number remembers the right one.
    """
    with _engine(database_url).begin() as connection:
        _remove_rows(connection)
    _client(redis_url).flushdb()


@cache
def _client(redis_url: str) -> redis.Redis:
    """Keep one connection to a server, which is opened again when the server was stopped meanwhile."""
    return redis.Redis.from_url(redis_url)


@cache
def _engine(database_url: str) -> Engine:
    """Keep one connection to a server, and open it again when the server was stopped meanwhile.

    All rows go, so that no reference has to be looked after. That is said once for the connection, since
    PostgreSQL makes all its plans again whenever it is told.
    """
    return create_engine(
        database_url,
        pool_size=1,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={"options": "-c session_replication_role=replica"},
    )


def _remove_rows(connection: Connection) -> None:
    # As TRUNCATE does: whatever is under way is waited for, so that nothing of it comes afterwards.
    connection.execute(text(f"LOCK TABLE {EVERYTHING} IN ACCESS EXCLUSIVE MODE"))
    if connection.execute(SIZE).scalar_one() > MUCH_BYTES:
        connection.execute(text(f"TRUNCATE {EVERYTHING}"))
        return
    for name in connection.execute(FILLED).scalars().all():
        connection.execute(delete(TABLES[name]))
