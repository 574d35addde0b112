"""The daily purge: what is older than the settings say goes, in slices, and what carries a promise stays."""

from collections.abc import Mapping
from dataclasses import fields, replace

import pytest
from sqlalchemy import text

from config import Retention
from models.enums import MailKind
from models.tables.background import BackgroundTask
from models.tables.mails import Mail
from tasks.background import purge, queue
from tasks.context import Context
from tests.support.shop import Shop

AGO = ("ago(40)", "now() - interval '40 days'")
KEPT = Retention(**{one.name: 30 for one in fields(Retention)})

# Of each kind what is to go and what is to stay.
ROWS = """
    UPDATE users SET created_at = ago(40);
    INSERT INTO token_families
        (id, user_id, newest_jti, created_at, expires_at, revoked_at, user_agent) VALUES
        (gen_random_uuid(), :buyer, gen_random_uuid(), ago(40), ago(40), NULL, 'expired'),
        (gen_random_uuid(), :buyer, gen_random_uuid(), ago(40), now() + interval '1 day', ago(40), 'ended'),
        (gen_random_uuid(), :buyer, gen_random_uuid(), ago(40), now() - interval '1 day', NULL, 'lately'),
        (gen_random_uuid(), :waiting, gen_random_uuid(), ago(40), now() + interval '1 day', NULL, 'good');
    INSERT INTO account_links (id, digest, user_id, kind, expires_at) VALUES
        (gen_random_uuid(), '\\x01', :buyer, 'verify_email', now() - interval '1 second'),
        (gen_random_uuid(), '\\x02', :buyer, 'verify_email', now() + interval '1 day');
    INSERT INTO admin_log (at, deed, subject_kind, subject_id, details) VALUES
        (ago(40), 'invited', 'shopper', :ignored, '{}'), (ago(40), 'invited', 'shopper', :invited, '{}');
    INSERT INTO account_links (id, digest, user_id, kind, staff_role, expires_at) VALUES
        (gen_random_uuid(), '\\x03', :ignored, 'invitation', 'viewer', now() - interval '1 second'),
        (gen_random_uuid(), '\\x04', :invited, 'invitation', 'viewer', now() + interval '1 day');
    INSERT INTO exports (id, user_id, expires_at, content) VALUES
        (gen_random_uuid(), :buyer, now() - interval '1 second', 'old'),
        (gen_random_uuid(), :buyer, now() + interval '1 day', 'new');
    INSERT INTO webhook_events (provider, event_id, kind, received_at) VALUES
        ('sandbox', 'old', 'x', ago(40)), ('sandbox', 'new', 'x', now());
    INSERT INTO sandbox_events (event_id, payload, due_at, created_at) VALUES
        ('sent', '{}', NULL, ago(40)), ('due', '{}', now(), ago(40)), ('new', '{}', NULL, now());
    INSERT INTO background_tasks (id, kind, state, submitted_at, finished_at) VALUES
        (gen_random_uuid(), 'over', 'SUCCESS', ago(40), ago(40)),
        (gen_random_uuid(), 'stuck', 'RETRY', ago(40), NULL);
"""
LONG_AGO = "UPDATE mails SET created_at = ago(40) WHERE to_name <> 'waiting'".replace(*AGO)
LEFT: Mapping[str, str] = {
    "users": "SELECT id::text FROM users",
    "log-ins": "SELECT user_agent FROM token_families",
    "links": "SELECT encode(digest, 'hex') FROM account_links",
    "exports": "SELECT encode(content, 'escape') FROM exports",
    "webhooks": "SELECT event_id FROM webhook_events",
    "sandbox": "SELECT event_id FROM sandbox_events",
    "tasks": "SELECT kind FROM background_tasks",
    "readable mails": "SELECT to_name || contents::text FROM mails WHERE to_email <> ''",
}


@pytest.fixture
def people(context: Context) -> dict[str, object]:
    """Who bought, never confirmed, is logged in, was never asked to; was invited long ago, or lately."""
    shop = Shop(context)
    names = ("buyer", "never", "waiting", "unasked", "ignored", "invited")
    people = dict(zip(names, shop.shoppers(len(names)), strict=True))
    sale = shop.open_sale(1)
    sale.submit(people["buyer"])
    sale.drain()
    with context.database.transaction() as session:
        for name, user_id in people.items():
            if name not in ("unasked", "ignored", "invited"):
                session.add(letter(user_id, name))
    with context.database.connection() as connection:
        for statement in ROWS.replace(*AGO).split(";\n"):
            if statement.strip():
                known = {one: people[one] for one in names if f":{one}" in statement}
                connection.execute(text(statement), known)
        connection.execute(text(LONG_AGO))
    return dict(people)


def letter(user_id: object, name: str) -> Mail:
    mailed = text("now()")
    return Mail(
        kind=MailKind.VERIFY_EMAIL,
        user_id=user_id,
        to_name=name,
        to_email=f"{name}@example.com",
        message_id=f"<{name}@example.com>",
        status="mailed",
        mailed_at=mailed,
        due_at=None,
    )


def left(context: Context) -> dict[str, set[str]]:
    with context.database.connection() as connection:
        return {what: set(connection.execute(text(asked)).scalars()) for what, asked in LEFT.items()}


def purged(context: Context, retention: Retention) -> BackgroundTask:
    asked = queue.ask_for(context, "purge")
    changed = replace(context, settings=replace(context.settings, retention=retention))
    queue.run(changed, asked.id)
    with context.database.transaction() as session:
        return session.get_one(BackgroundTask, asked.id)


def test_what_is_older_than_the_settings_goes_and_the_rest_stays(
    context: Context, people: dict[str, object]
) -> None:
    task = purged(context, KEPT)
    assert task.state == "SUCCESS"
    assert task.result == {
        "links": 2,
        "exports": 1,
        "log_ins": 2,
        "unverified": 1,
        "invited": 1,
        "mails": 1,
        "webhooks": 1,
        "sandbox_events": 1,
        "tasks": 1,
        "past_sales": 0,
    }
    assert left(context) == {
        "users": {str(one) for name, one in people.items() if name not in ("never", "ignored")},
        "log-ins": {"lately", "good"},
        "links": {"02", "04"},
        "exports": {"new"},
        "webhooks": {"new"},
        "sandbox": {"due", "new"},
        "tasks": {"stuck", "purge"},
        "readable mails": {"waiting{}"},
    }


def test_nought_keeps_for_good(context: Context, people: dict[str, object]) -> None:
    before = left(context)
    task = purged(context, Retention(**{one.name: 0 for one in fields(Retention)}))
    assert task.result == {"links": 2, "exports": 1, "past_sales": 0}
    spared = {what: rows for what, rows in left(context).items() if what not in ("links", "exports", "tasks")}
    assert spared == {what: before[what] for what in spared}
    assert spared["users"] >= {str(people["never"]), str(people["ignored"])}


@pytest.mark.usefixtures("people")
def test_a_purge_that_takes_long_goes_on_by_the_next_bell(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge, "SLICE", 1)
    monkeypatch.setattr(purge, "WORKS_S", 0.0)
    task = purged(context, KEPT)
    assert (task.state, task.attempts, task.result) == ("RETRY", 0, {"links": 1})
    changed = replace(context, settings=replace(context.settings, retention=KEPT))
    for _ in range(20):
        queue.run(changed, task.id)
    with context.database.transaction() as session:
        done = session.get_one(BackgroundTask, task.id)
    assert (done.state, (done.result or {})["log_ins"]) == ("SUCCESS", 2)


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("name", ["links", "log_ins", "mails", "webhooks"])
def test_a_slice_is_no_larger_however_the_ledger_goes_about_it(context: Context, name: str) -> None:
    (step,) = [one for one in purge.steps(KEPT) if one.name == name]
    with context.database.connection() as connection:
        for way in ("hashjoin", "mergejoin", "hashagg", "material", "sort"):
            connection.execute(text(f"SET LOCAL enable_{way} = off"))
        gone = connection.execute(step.removing, {"days": step.days, "slice": 1})
        assert gone.rowcount == 1


def test_the_parts_of_a_count_become_one_but_that_which_is_counted_into(context: Context) -> None:
    with context.database.connection() as connection:
        connection.execute(
            text(
                "INSERT INTO tallies (name, labels, count, total_ms) VALUES"
                " ('mails', 'receipt,mailed', 2, 20), ('mails', 'receipt,mailed', 3, 30),"
                " ('mails', 'receipt,mailed', 4, 40), ('mails', 'refund,mailed', 5, 50)"
            )
        )
    with context.database.connection() as counting:
        counting.execute(text("UPDATE tallies SET count = count + 1, total_ms = 41 WHERE total_ms = 40"))
        task = purged(context, KEPT)
    assert (task.result or {})["tallies"] == 1
    with context.database.transaction() as session:
        rows = session.execute(
            text("SELECT labels, count, total_ms FROM tallies ORDER BY total_ms, labels")
        ).all()
    assert [tuple(row) for row in rows] == [
        ("receipt,mailed", 5, 41),
        ("receipt,mailed", 5, 50),
        ("refund,mailed", 5, 50),
    ]
