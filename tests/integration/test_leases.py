"""Leases on rows that are due: each row is one taker's, oldest first, and pauses are the same in SQL."""

from datetime import timedelta

import pytest
from sqlalchemy import func, literal, select, text

from models.database import Database
from models.leases import Backoff, has_due, take_up
from models.tables.sandbox import SandboxEvent
from tests.support.shop import Shop

LEASE = timedelta(seconds=30)


def enter(database: Database, *late_s: int) -> None:
    """Enter an event for each number of seconds that it is late; below zero it is not due yet."""
    with database.transaction() as session:
        for seconds in late_s:
            session.execute(
                text("INSERT INTO sandbox_events (event_id, payload, due_at)"
                     " VALUES (:id, '{}', now() - make_interval(secs => :late))"),
                {"id": f"late-{seconds}", "late": seconds},
            )  # fmt: skip


def taken(session: object, limit: int = 10) -> list[str]:
    taking, due = take_up(SandboxEvent, limit, LEASE, {"tries": SandboxEvent.tries + 1})
    rows = session.execute(taking.returning(due.c.due_at, SandboxEvent.event_id))  # type: ignore[attr-defined]
    return [event_id for _, event_id in sorted(rows.all())]


def test_what_is_due_is_taken_up_oldest_first_and_once(shop: Shop) -> None:
    database = shop.context.database
    enter(database, 5, 20, -60, 10)
    with database.transaction() as session:
        assert has_due(session, SandboxEvent)
        assert taken(session, 2) == ["late-20", "late-10"]
    with database.transaction() as session:
        assert taken(session) == ["late-5"]
        assert not has_due(session, SandboxEvent)
        tries = session.scalars(select(SandboxEvent.tries).order_by(SandboxEvent.event_id)).all()
        assert tries == [0, 1, 1, 1]


def test_what_another_is_taking_up_is_left_to_them(shop: Shop) -> None:
    database = shop.context.database
    enter(database, 5, 20)
    with database.transaction() as first, database.transaction() as second:
        assert taken(first, 1) == ["late-20"]
        assert taken(second) == ["late-5"]


@pytest.mark.parametrize("times", [-1, 0, 1, 4, 7, 8, 99])
def test_a_pause_is_the_same_in_sql(shop: Shop, times: int) -> None:
    backoff = Backoff(first_s=3, longest_s=600)
    with shop.context.database.transaction() as session:
        pause = session.scalar(select(func.age(func.now() + backoff.pause(literal(times)), func.now())))
    assert pause == backoff.after(times)
