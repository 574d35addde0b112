"""Puts PostgreSQL into states in which it answers but cannot work, and out of them again."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Final

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from benchmarks.harness.processes import descendants
from tests.support.servers import Stores

CLERK: Final = "clerk"

Ailment = Callable[[Stores], AbstractContextManager[None]]


@contextmanager
def read_only(stores: Stores) -> Iterator[None]:
    """Every new session may only read; those that were open are cut."""
    _do(stores, "ALTER DATABASE app SET default_transaction_read_only = on")
    cut_sessions(stores)
    yield
    _do(stores, "ALTER DATABASE app RESET default_transaction_read_only")


@contextmanager
def without_a_table(stores: Stores) -> Iterator[None]:
    """A table that claims are written to is missing."""
    _do(stores, "ALTER TABLE order_events RENAME TO mislaid")
    yield
    _do(stores, "ALTER TABLE mislaid RENAME TO order_events")


@contextmanager
def without_a_privilege(stores: Stores) -> Iterator[None]:
    """The platform's user may not write orders."""
    _do(stores, f"REVOKE INSERT ON orders FROM {CLERK}")
    yield
    _do(stores, f"GRANT INSERT ON orders TO {CLERK}")


@contextmanager
def without_room(stores: Stores) -> Iterator[None]:
    """A trigger fails for a reason of its own, as full disks and broken extensions do."""
    _do(
        stores,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END $$",
        "CREATE TRIGGER refuse BEFORE INSERT ON intents EXECUTE FUNCTION refuse()",
    )
    yield
    _do(stores, "DROP TRIGGER refuse ON intents", "DROP FUNCTION refuse")


@contextmanager
def stalled(stores: Stores) -> Iterator[None]:
    """Every process of PostgreSQL is stopped, as under a host that hangs: nobody gets an answer."""
    assert stores.postgres.pid is not None
    family = {stores.postgres.pid, *descendants(stores.postgres.pid)}
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


AILMENTS: dict[str, Ailment] = {
    "read_only": read_only,
    "without_a_table": without_a_table,
    "without_a_privilege": without_a_privilege,
    "without_room": without_room,
}


def url_of_clerk(stores: Stores) -> str:
    """Create a user who may do what the platform needs and no more, as in production."""
    _do(
        stores,
        f"DO $$ BEGIN CREATE ROLE {CLERK} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {CLERK}",
        f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {CLERK}",
    )
    return make_url(stores.postgres.url).set(username=CLERK).render_as_string(hide_password=False)


def cut_sessions(stores: Stores) -> None:
    """End every session but our own."""
    _do(
        stores,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'",
    )


def _do(stores: Stores, *statements: str) -> None:
    engine = create_engine(stores.postgres.url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text("SET default_transaction_read_only = off"))
            for statement in statements:
                connection.execute(text(statement))
    finally:
        engine.dispose()
