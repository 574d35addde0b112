"""Migrates a database's schema to the one that the tables here describe."""

from functools import cache
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from config import ROOT
from models.database import Database, take_time
from models.driver import ENDLESS

MIGRATIONS: Final = str(ROOT / "migrations")
_LOCK: Final = 7_340_511  # advisory lock: one migration at a time, however many processes start at once
_LOCK_TIMEOUT: Final = "5s"


def alembic_config(connection: Connection) -> Config:
    """Build Alembic's configuration around an open connection."""
    config = Config()
    config.set_main_option("script_location", MIGRATIONS)
    config.attributes["connection"] = connection
    return config


def upgrade(database: Database, revision: str = "head") -> None:
    """Migrate up to `revision`; waits for another migration that is under way.

    The schema of a newer release is left as it is: who goes back to this code goes on with it.
    """
    with database.connection() as connection:
        _prepare(connection)
        if is_newer(connection):
            return
        command.upgrade(alembic_config(connection), revision)


def downgrade(database: Database, revision: str) -> None:
    """Migrate down to `revision` (`base`: to an empty database)."""
    with database.connection() as connection:
        _prepare(connection)
        command.downgrade(alembic_config(connection), revision)


def is_current(connection: Connection) -> bool:
    """Return whether the schema is the newest that this code knows, or a newer release's.

    Releases only add what the code before them can live with, so that both serve while one follows the other.
    """
    return _revision(connection) == _scripts().get_current_head() or is_newer(connection)


def is_newer(connection: Connection) -> bool:
    """Return whether a release that this code does not know migrated the schema."""
    revision = _revision(connection)
    return revision is not None and revision not in {one.revision for one in _scripts().walk_revisions()}


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory(MIGRATIONS)


def _revision(connection: Connection) -> str | None:
    # Alembic creates its table object again for each query, which the statement cache would keep as another.
    unkept = connection.execution_options(compiled_cache=None)
    return MigrationContext.configure(unkept).get_current_revision()


def _prepare(connection: Connection) -> None:
    take_time(connection, ENDLESS)
    connection.execute(text("SET LOCAL lock_timeout = 0"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
