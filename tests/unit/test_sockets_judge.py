"""benchmarks/sockets/judge.py: an honest shop yields no finding, and each sin is found under its own name."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.sockets.judge import Rusher, judge, rushers_of
from benchmarks.sockets.report import CHECKS
from benchmarks.sockets.rush_record import RushRecord

UNITS, RUSHERS = 2, 5
Stored = list[dict[str, Any]]


def honest() -> tuple[list[Rusher], dict[str, int], Stored]:
    """The first tickets hold, the others stood by and then heard that it is sold out."""
    rows = [
        Rusher(
            ticket=number,
            intent_id=f"intent {number}",
            verdict="held" if number <= UNITS else "sold_out",
            answers=1,
            standbys=int(number > UNITS),
            finals=1,
            orders=int(number <= UNITS),
            came_back=0,
        )
        for number in range(1, RUSHERS + 1)
    ]
    stored: Stored = [{"id": row.intent_id, "ticket": row.ticket, "status": row.verdict} for row in rows]
    return rows, {"allocation": UNITS, "available": 0, "held": UNITS, "sold": 0}, stored


def checks(rows: list[Rusher], sale: dict[str, int], stored: Stored, units: int = UNITS) -> set[str]:
    return {finding.check for finding in judge(rows, units, sale, stored)}


def test_an_honest_shop_yields_no_finding() -> None:
    assert checks(*honest()) == set()


def test_more_units_than_rushers_leave_some_free() -> None:
    rows, sale, stored = honest()
    winners = [replace(row, verdict="held", orders=1, standbys=0) for row in rows]
    sale |= {"allocation": 9, "available": 9 - RUSHERS, "held": RUSHERS}
    kept = [one | {"status": "held"} for one in stored]
    assert checks(winners, sale, kept, units=9) == set()


@pytest.mark.parametrize(
    ("check", "at", "sin"),
    [
        ("answers", 3, {"answers": 0}),
        ("answers", 3, {"answers": 2}),
        ("tickets", 3, {"ticket": 2}),
        ("tickets", 3, {"ticket": 0}),
        ("tickets", 3, {"ticket": RUSHERS + 1}),
        ("winners", 0, {"verdict": "sold_out"}),
        ("winners", 4, {"verdict": "held"}),
        ("winners", 0, {"orders": 0}),
        ("winners", 4, {"orders": 1}),
        ("lost", 4, {"verdict": ""}),
        ("lost", 4, {"verdict": "standby"}),
        ("doubled", 4, {"finals": 2}),
        ("doubled", 4, {"standbys": 2}),
        ("doubled", 0, {"orders": 2}),
        ("stored", 3, {"intent_id": "another"}),
        ("stored", 4, {"verdict": "rejected"}),
    ],
)
def test_what_a_client_was_told_wrongly_is_found(check: str, at: int, sin: dict[str, Any]) -> None:
    rows, sale, stored = honest()
    rows[at] = replace(rows[at], **sin)
    assert check in checks(rows, sale, stored)


def test_who_came_back_may_be_told_again_but_not_otherwise() -> None:
    rows, sale, stored = honest()
    rows[0] = replace(rows[0], answers=2, finals=2, orders=2, came_back=1)
    assert checks(rows, sale, stored) == set()
    rows[0] = replace(rows[0], verdict="sold_out")
    assert checks(rows, sale, stored) >= {"winners", "stored"}


@pytest.mark.parametrize(
    ("check", "break_it"),
    [
        ("stored", lambda _, stored: stored.pop()),
        ("stored", lambda _, stored: stored.append({"id": "nobody's", "ticket": 9, "status": "held"})),
        ("stored", lambda _, stored: stored[1].update(ticket=7)),
        ("conservation", lambda sale, _: sale.update(available=1)),
        ("conservation", lambda sale, _: sale.update(allocation=3, available=1)),
        ("conservation", lambda sale, _: sale.update(held=1, available=1)),
    ],
)
def test_what_is_stored_wrongly_is_found(
    check: str, break_it: Callable[[dict[str, int], Stored], None]
) -> None:
    rows, sale, stored = honest()
    break_it(sale, stored)
    assert check in checks(rows, sale, stored)


def test_every_finding_has_a_line_in_the_report() -> None:
    rows, sale, _ = honest()
    nothing = [Rusher(0, "", "", 2, 2, 2, 2, 0) for _ in rows]
    assert checks(nothing, {**sale, "allocation": 7}, []) <= set(CHECKS)


def intent(status: str, ticket: int = 4, **more: Any) -> dict[str, Any]:
    return {"type": "intent", "id": "an id", "ticket": ticket, "status": status, **more}


def recorded(*messages: dict[str, Any], sent: bool = True) -> tuple[RushRecord, Rusher]:
    """What a record makes of messages that come to its only rusher, a moment after each other."""
    record = RushRecord(1)
    record.told.sent_ns[0] = int(sent)
    for at_ns, message in enumerate(messages, 10):
        if message["type"] == "order":
            record.take_order(0)
        else:
            record.take_intent(0, message, at_ns)
    return record, rushers_of([record.told])[0]


def test_an_answer_then_standby_then_the_last_word_is_told_once_each() -> None:
    record, row = recorded(intent("queued", reply_to="rush"), intent("standby"), intent("sold_out"))
    assert row == Rusher(4, "an id", "sold_out", 1, 1, 1, 0, 0)
    told = record.told
    assert (told.answered_ns[0], told.decided_ns[0], told.final_ns[0]) == (10, 11, 12)
    assert (record.answered, record.decided, record.final) == (1, 1, 1)
    assert not told.contradictions


def test_an_answer_that_brings_a_verdict_that_was_pushed_already_doubles_nothing() -> None:
    record, row = recorded(intent("held"), {"type": "order"}, intent("held", reply_to="rush"))
    assert row == Rusher(4, "an id", "held", 1, 0, 1, 1, 0)
    assert (record.told.answered_ns[0], record.told.final_ns[0]) == (12, 10)


def test_a_verdict_that_is_pushed_twice_is_counted_twice() -> None:
    assert recorded(intent("queued", reply_to="rush"), intent("held"), intent("held"))[1].finals == 2


@pytest.mark.parametrize(
    "messages",
    [
        (intent("held"), intent("sold_out")),
        (intent("queued", reply_to="rush"), intent("held", ticket=5)),
        (intent("queued", reply_to="rush"), intent("held") | {"id": "another"}),
    ],
)
def test_a_shop_that_contradicts_itself_is_written_down(messages: tuple[dict[str, Any], ...]) -> None:
    assert len(recorded(*messages)[0].told.contradictions) == 1


def test_news_for_who_asked_nothing_is_written_down() -> None:
    record, row = recorded(intent("held"), sent=False)
    assert len(record.told.contradictions) == 1
    assert row.verdict == ""


def test_who_comes_back_before_the_answer_is_unanswered_still() -> None:
    record = RushRecord(2)
    record.told.sent_ns[0] = 1
    for index in (0, 1):  # the second has asked nothing
        record.go_away(index, 40)
        record.come_back(index, 50)
    record.go_away(0, 55)
    assert [record.is_unanswered(index) for index in (0, 1, 2)] == [True, False, False]
    assert list(record.told.came_back) == [1, 0]
    assert list(record.told.lost_ns) == [40, 0]
    assert list(record.told.back_ns) == [50, 0]
    record.take_intent(0, intent("queued", reply_to="rush"), 60)
    assert not record.is_unanswered(0)
