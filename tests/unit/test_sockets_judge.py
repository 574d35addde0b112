"""benchmarks/verify/told_by_socket.py: an honest shop yields no finding, each sin is found by its name."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.sockets.report import CHECKS
from benchmarks.sockets.rush_record import RushRecord
from benchmarks.verify.judge import CHECKS as JUDGED
from benchmarks.verify.judge import verify
from benchmarks.verify.testimony import Evidence, StoredIntent, StoredOrder, StoredSale
from benchmarks.verify.told_by_socket import NAMES, Rusher, judge_sockets, rushers_of

UNITS, RUSHERS = 2, 5
NOBODYS = StoredIntent("nobody's", RUSHERS + 1, 1, "sold_out", None)


def honest() -> tuple[list[Rusher], Evidence]:
    """The first tickets hold, the others stood by and then heard that it is sold out."""
    record = RushRecord(RUSHERS)
    for at in range(RUSHERS):
        record.told.sent_ns[at] = at + 1
        record.take_intent(at, intent("queued", at + 1, id=f"intent {at}", reply_to="rush"), 100 + at)
        if at >= UNITS:
            record.take_intent(at, intent("standby", at + 1, id=f"intent {at}"), 200 + at)
        last = "held" if at < UNITS else "sold_out"
        record.take_intent(at, intent(last, at + 1, id=f"intent {at}"), 300 + at)
        if at < UNITS:
            record.take_order(at, f"order {at}")
    rushers = rushers_of([record.told])
    orders = tuple(StoredOrder(f"order {at}", f"intent {at}", 1, "held") for at in range(UNITS))
    stored = tuple(
        StoredIntent(
            f"intent {at}",
            at + 1,
            1,
            one.told.verdicts[0],
            f"order {at}" if at < UNITS else None,
        )
        for at, one in enumerate(rushers)
    )
    evidence = Evidence(UNITS, (), stored, orders, StoredSale(UNITS, 0, UNITS, 0), {"ok": True})
    return rushers, evidence


def checks(rushers: list[Rusher], evidence: Evidence) -> set[str]:
    whole = replace(evidence, told=tuple(one.told for one in rushers))
    return {finding.check for finding in judge_sockets(rushers, verify(whole))}


def test_an_honest_shop_yields_no_finding() -> None:
    assert checks(*honest()) == set()


@pytest.mark.parametrize(
    ("check", "at", "sin"),
    [
        ("answers", 3, {"answer": None}),
        ("tickets", 3, {"tickets": (2,)}),
        ("stored", 3, {"tickets": (RUSHERS + 1,)}),
        ("tickets", 0, {"verdicts": ("sold_out",)}),
        ("winners", 0, {"verdicts": ("sold_out",)}),
        ("winners", 4, {"verdicts": ("held",)}),
        ("stored", 0, {"order_ids": ()}),
        ("stored", 4, {"order_ids": ("order 9",)}),
        ("lost", 4, {"verdicts": ()}),
        ("lost", 3, {"intent_ids": ("another",)}),
        ("stored", 4, {"verdicts": ("rejected",)}),
    ],
)
def test_what_a_client_was_told_wrongly_is_found(check: str, at: int, sin: dict[str, Any]) -> None:
    rushers, evidence = honest()
    rushers[at] = replace(rushers[at], told=replace(rushers[at].told, **sin))
    assert check in checks(rushers, evidence)


@pytest.mark.parametrize(
    ("check", "sin"),
    [
        ("answers", {"answers": 2}),
        ("doubled", {"finals": 2}),
        ("doubled", {"standbys": 2}),
        ("doubled", {"orders": 2}),
    ],
)
def test_who_is_told_twice_is_found_unless_it_came_back(check: str, sin: dict[str, Any]) -> None:
    rushers, evidence = honest()
    rushers[0] = replace(rushers[0], **sin)
    assert checks(rushers, evidence) == {check}
    rushers[0] = replace(rushers[0], came_back=1)
    assert checks(rushers, evidence) == set()


@pytest.mark.parametrize(
    ("check", "break_it"),
    [
        ("lost", lambda one: {"intents": one.intents[:-1]}),
        (
            "doubled",
            lambda one: {"intents": (*one.intents, StoredIntent("nobody's", 6, 1, "sold_out", None))},
        ),
        ("stored", lambda one: {"intents": (replace(one.intents[0], ticket=7), *one.intents[1:])}),
        ("stored", lambda one: {"orders": one.orders[1:]}),
        ("conservation", lambda one: {"sale": replace(one.sale, available=1)}),
        ("conservation", lambda one: {"sale": replace(one.sale, allocation=3, available=1)}),
        ("conservation", lambda one: {"sale": replace(one.sale, held=1, available=1)}),
        ("audit", lambda _: {"audit": {"ok": False}}),
    ],
)
def test_what_is_stored_wrongly_is_found(check: str, break_it: Callable[[Evidence], dict[str, Any]]) -> None:
    rushers, evidence = honest()
    assert check in checks(rushers, replace(evidence, **break_it(evidence)))


def test_every_finding_has_a_line_in_the_report() -> None:
    assert {NAMES.get(check, "conservation") for check in JUDGED} <= set(CHECKS)


def intent(status: str, ticket: int = 4, **more: Any) -> dict[str, Any]:
    return {"type": "intent", "id": "an id", "ticket": ticket, "status": status, **more}


def recorded(*messages: dict[str, Any], sent: bool = True) -> tuple[RushRecord, Rusher]:
    """What a record makes of messages that come to its only rusher, a moment after each other."""
    record = RushRecord(1)
    record.told.sent_ns[0] = int(sent)
    for at_ns, message in enumerate(messages, 10):
        if message["type"] == "order":
            record.take_order(0, "an order")
        else:
            record.take_intent(0, message, at_ns)
    return record, rushers_of([record.told])[0]


def counts_of(row: Rusher) -> tuple[int, ...]:
    return row.answers, row.standbys, row.finals, row.orders, row.came_back


def test_an_answer_then_standby_then_the_last_word_is_told_once_each() -> None:
    record, row = recorded(intent("queued", reply_to="rush"), intent("standby"), intent("sold_out"))
    assert counts_of(row) == (1, 1, 1, 0, 0)
    assert (row.told.ticket, row.told.intent_ids, row.told.verdict) == (4, ("an id",), "sold_out")
    told = record.told
    assert (told.answered_ns[0], told.decided_ns[0], told.final_ns[0]) == (10, 11, 12)
    assert (record.answered, record.decided, record.final) == (1, 1, 1)
    assert not told.contradictions


def test_an_answer_that_brings_a_verdict_that_was_pushed_already_doubles_nothing() -> None:
    record, row = recorded(intent("held"), {"type": "order"}, intent("held", reply_to="rush"))
    assert counts_of(row) == (1, 0, 1, 1, 0)
    assert (row.told.ticket, row.told.intent_ids, row.told.verdict) == (4, ("an id",), "held")
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
    assert row.told.verdict is None


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
