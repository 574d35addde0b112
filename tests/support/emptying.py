"""Empties the stores before a test."""

import redis
from sqlalchemy import text

from models.database import Database
from models.tables.rows import metadata


def empty(database_url: str, redis_url: str) -> None:
    """Remove every row and every key of the live state; it stays the same ledger.

    Sales go on being numbered: a process that remembers a sale by its number remembers the right one.
    """
    names = ", ".join(table.name for table in metadata.sorted_tables if table.name != "ledger_identity")
    database = Database(database_url)
    try:
        with database.connection() as connection:
            connection.execute(text(f"TRUNCATE {names} CASCADE"))
    finally:
        database.dispose()
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
