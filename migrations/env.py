"""Alembic's environment: which metadata, which database."""

from alembic import context

from models.tables.rows import metadata


def run() -> None:
    """Migrate over the connection that the caller opened and handed in."""
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


run()
