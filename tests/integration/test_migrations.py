"""Migrations: from empty to the newest equals the rows; down and up again, of nothing and of today's rows."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import orjson
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, create_engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError

from models.database import Database
from models.migrate import alembic_config, downgrade, is_current, is_newer, upgrade
from models.tables.rows import metadata
from tests.support.contexts import context_over, plain_settings
from tests.support.filling import fill_every_table
from tests.support.servers import Stores
from tests.support.shop import Shop

Rows = dict[str, list[dict[str, Any]]]

OLDEST: Final = "0003"  # what is before it knows no money
# Undoing these takes away, or says otherwise, what the release before has no words for (docs/runbook.md).
LOSE: Final = {
    "0036": {"admin_log", "mails"},
    "0028": {"admin_log"},
    "0029": {"admin_log"},
    "0030": {"mails"},
    "0024": {"mails"},
    "0015": {"intents"},
}
NAME = "migrations_of_a_test"
ROWS = """
    WITH shopper AS (INSERT INTO users (id, email) VALUES (gen_random_uuid(), 'a@example.com') RETURNING id),
    product AS (INSERT INTO products (id, name, list_price_minor, currency)
                VALUES (gen_random_uuid(), 'Lamp', 1, 'USD') RETURNING id),
    sale AS (INSERT INTO sales (id, product_id, price_minor, currency, allocation, opens_at, closes_at,
                                draw_seed)
             SELECT gen_random_uuid(), id, 1, 'USD', 1, now(), now() + interval '1 day', 'seed' FROM product
             RETURNING id),
    intent AS (INSERT INTO intents (id, sale_id, user_id, ticket, quantity, accept_fewer, status,
                                    submitted_at, decided_at)
               SELECT gen_random_uuid(), sale.id, shopper.id, 1, 1, false, 'held', now(), now()
               FROM sale, shopper RETURNING id, sale_id, user_id),
    granted AS (INSERT INTO orders (id, intent_id, sale_id, user_id, quantity, unit_price_minor, currency,
                                    status, expires_at, created_at)
                SELECT gen_random_uuid(), id, sale_id, user_id, 1, 1, 'USD', 'held', now(), now() FROM intent
                RETURNING id)
    INSERT INTO order_events (order_id, status, at) SELECT id, 'held', now() FROM granted
"""


@contextmanager
def another_database(database_url: str, name: str = NAME, template: str = "template1") -> Iterator[Database]:
    """A database on the run's server: with nothing in it, or as another one is."""
    server = create_engine(database_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    url = make_url(database_url).set(database=name).render_as_string(hide_password=False)
    database = Database(url)
    yield database
    database.dispose()
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture
def empty_database(database_url: str) -> Iterator[Database]:
    with another_database(database_url) as database:
        yield database


@pytest.fixture(scope="module")
def current(database_url: str) -> Iterator[Database]:
    """The newest schema, from empty; a test that changes it takes `newest`."""
    with another_database(database_url, f"{NAME}_current") as database:
        upgrade(database)
        yield database


@pytest.fixture
def newest(database_url: str, current: Database) -> Iterator[Database]:
    """Another of the same."""
    current.dispose()
    with another_database(database_url, template=f"{NAME}_current") as database:
        yield database


def differences(database: Database) -> list[object]:
    with database.connection() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        return list(compare_metadata(context, metadata))


def rows_of(database: Database) -> Rows:
    """Read every row of every table that there is."""
    found: Rows = defaultdict(list)
    tables = [name for name in inspect(database.engine).get_table_names() if name != "alembic_version"]
    each = (f"SELECT '{name}', to_jsonb(t) FROM {name} t" for name in tables)  # noqa: S608 - the schema's own
    with database.connection() as connection:
        for name, row in connection.execute(text(" UNION ALL ".join(each))):
            found[name].append(row)
    return found


def is_kept(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> bool:
    """Whether the rows are the same, in the columns that are there before and after."""
    shared = before[0].keys() & after[0].keys()
    was, now = (
        Counter(orjson.dumps({name: row[name] for name in sorted(shared)}) for row in rows)
        for rows in (before, after)
    )
    return was == now


def test_from_empty_to_the_newest_there_is_no_difference_to_the_rows(current: Database) -> None:
    assert differences(current) == []
    with current.connection() as connection:
        assert is_current(connection)


def test_asking_whether_it_is_current_leaves_nothing_behind(current: Database) -> None:
    kept = current.engine._compiled_cache
    assert kept is not None
    with current.connection() as connection:
        before = len(kept)
        assert all(is_current(connection) for _ in range(3))
        assert len(kept) == before


def words_in(check: str) -> list[str]:
    """The words that a check names: PostgreSQL writes the rest of it in its own way."""
    return sorted(re.findall(r"'([a-z_]+)'", check))


def test_checks_and_indexes_are_those_of_the_rows(current: Database) -> None:
    found = inspect(current.engine)
    for table in metadata.sorted_tables:
        checks = {one["name"]: words_in(one["sqltext"]) for one in found.get_check_constraints(table.name)}
        expected = [one for one in table.constraints if isinstance(one, CheckConstraint)]
        assert checks == {str(one.name): words_in(str(one.sqltext)) for one in expected}, table.name
        found_indexes = found.get_indexes(table.name)
        indexes = {one["name"] for one in found_indexes if not one.get("duplicates_constraint")}
        assert indexes == {one.name for one in table.indexes}, table.name


def test_down_to_nothing_and_up_again(newest: Database) -> None:
    downgrade(newest, "base")
    assert set(inspect(newest.engine).get_table_names()) == {"alembic_version"}
    upgrade(newest)
    assert differences(newest) == []


def test_todays_rows_go_down_step_by_step_and_up_again(
    newest: Database,
    stores: Stores,
    clean: None,  # noqa: ARG001
) -> None:
    url = newest.engine.url.render_as_string(hide_password=False)
    with context_over(replace(plain_settings(stores), database_url=url)) as context:
        fill_every_table(Shop(context))
    before = rows_of(newest)
    assert before.keys() == metadata.tables.keys(), "fill_every_table leaves one empty"
    with newest.connection() as connection:
        steps = list(ScriptDirectory.from_config(alembic_config(connection)).walk_revisions("base", "head"))
    for step in steps:
        if step.revision == OLDEST:
            break
        downgrade(newest, str(step.down_revision))
        after = rows_of(newest)
        changed = {name for name in after if not is_kept(before[name], after[name])}
        assert changed == LOSE.get(step.revision, set()), step.revision
        before = after
    upgrade(newest)
    after = rows_of(newest)
    assert [name for name in before if not is_kept(before[name], after[name])] == []
    assert differences(newest) == []


def test_references_of_what_is_written_go_and_come_back_under_rows(newest: Database) -> None:
    """Neither way looks at the rows: what is there stays, and what comes is held to the rules of the day."""
    with newest.connection() as connection:
        connection.execute(text(ROWS))
    for revision in ("0015", "head"):
        (upgrade if revision == "head" else downgrade)(newest, revision)
        for table in ("sales", "users", "intents", "orders"):
            with pytest.raises(IntegrityError), newest.connection() as connection:
                connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - of these four
    assert differences(newest) == []


def test_a_newer_releases_schema_serves_and_stays(newest: Database) -> None:
    with newest.connection() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    upgrade(newest)
    with newest.connection() as connection:
        assert is_current(connection)
        assert is_newer(connection)


def test_an_older_releases_schema_does_not_serve(empty_database: Database) -> None:
    upgrade(empty_database, "0015")
    with empty_database.connection() as connection:
        assert not is_current(connection)


def test_migrating_what_is_current_changes_nothing(current: Database) -> None:
    upgrade(current)
    assert differences(current) == []
