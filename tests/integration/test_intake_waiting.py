"""Who waits for the intake: told once each, whatever becomes of the others and of the line."""

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from models.errors import LedgerUnavailable, LineUnavailable, NoSuchSale
from models.ids import new_intent_id
from models.live.records import Answer, AnswerCode, Found, Submission
from models.live.redis import connect
from models.live.store import Live, SubmitReply
from tasks.context import Context
from tasks.intake import intake as module
from tasks.intake import reply_recovery
from tasks.intake.intake import MOST_AT_ONCE, Intake, Outcome
from tests.support.polling import eventually
from tests.support.shop import SaleUnderTest, Shop


class Listener:
    """Remembers what was told, in its order; may refuse to listen."""

    def __init__(self) -> None:
        self.told: list[tuple[int, Outcome]] = []
        self.deaf: set[int] = set()

    def tell(self, number: int, outcome: Outcome) -> None:
        self.told.append((number, outcome))
        if number in self.deaf:
            raise RuntimeError("I am not listening.")


class GatedLive(Live):
    """Counts what is submitted, holds it back, and can be out of reach."""

    def __init__(self, redis_url: str) -> None:
        super().__init__(connect(redis_url))
        self.batches: list[int] = []
        self.gate = threading.Event()
        self.is_away = False

    def reach(self, sale_id: UUID) -> None:  # noqa: ARG002 - all of them are
        if self.is_away:
            assert self.gate.wait(20)
            raise LineUnavailable("away")

    def submit(
        self, sale_id: UUID, epoch: str, submissions: Sequence[Submission], **more: Any
    ) -> SubmitReply:
        self.batches.append(len(submissions))
        assert self.gate.wait(20)
        return super().submit(sale_id, epoch, submissions, **more)


def intake_over(live: Live, context: Context) -> Intake:
    return Intake(live, context.sale_cache, context.bell, is_stored=lambda _one: False)


def put_all(intake: Intake, sale: SaleUnderTest, users: Sequence[UUID], listener: Listener) -> None:
    number_of_sale = sale.row().number
    for number, user in enumerate(users):
        submission = Submission(str(new_intent_id(number_of_sale)), str(user), 1, False)
        intake.put(sale.id, submission, partial(listener.tell, number))


def test_a_caller_that_does_not_wait_is_told_too_in_the_order_of_arrival(shop: Shop, redis_url: str) -> None:
    sale, live, listener = shop.open_sale(), GatedLive(redis_url), Listener()
    count = 2 * MOST_AT_ONCE + 10
    put_all(intake_over(live, shop.context), sale, shop.shoppers(count), listener)
    live.gate.set()
    eventually(lambda: len(listener.told) == count)
    assert [number for number, _ in listener.told] == list(range(count))
    tickets = [told.intent.ticket for _, told in listener.told if isinstance(told, Answer) and told.intent]
    assert tickets == list(range(1, count + 1))
    assert max(live.batches) <= MOST_AT_ONCE
    assert len(live.batches) <= 4


def test_requests_and_sockets_wait_in_one_queue(shop: Shop, redis_url: str) -> None:
    sale, live, listener = shop.open_sale(), GatedLive(redis_url), Listener()
    intake = intake_over(live, shop.context)
    people = shop.shoppers(3)
    put_all(intake, sale, people[:1], listener)
    eventually(lambda: live.batches == [1])
    asking = replace(sale, context=replace(shop.context, intake=intake))
    told: list[Any] = []
    request = threading.Thread(target=lambda: told.append(asking.submit(people[1])))
    request.start()
    eventually(lambda: intake.waiting(sale.id) == 1)
    put_all(intake, sale, people[2:], listener)
    live.gate.set()
    request.join(20)
    eventually(lambda: len(listener.told) == 2)
    assert live.batches == [1, 2]
    assert told[0]["ticket"] == 2


def test_who_cannot_be_told_keeps_it_from_nobody(shop: Shop, redis_url: str) -> None:
    sale, live, listener = shop.open_sale(), GatedLive(redis_url), Listener()
    listener.deaf = {0, 2}
    intake = intake_over(live, shop.context)
    live.gate.set()
    put_all(intake, sale, shop.shoppers(5), listener)
    eventually(lambda: len(listener.told) == 5)
    eventually(lambda: not intake._gathering._queues)
    put_all(intake, sale, shop.shoppers(1), listener)
    eventually(lambda: len(listener.told) == 6)


def test_who_waited_as_long_as_the_line_was_away_is_not_tried_in_vain_after_the_others(
    shop: Shop, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a crowd would wait for one batch after the other to find out the same."""
    patience_s = 0.3
    monkeypatch.setattr(module, "PATIENCE_MS", 1000 * patience_s)
    sale, live, listener = shop.open_sale(), GatedLive(redis_url), Listener()
    live.is_away = True
    intake = intake_over(live, shop.context)
    tries: list[int] = []
    monkeypatch.setattr(intake, "_send", _counted(intake._send, tries))
    count = 10 * MOST_AT_ONCE
    put_all(intake, sale, shop.shoppers(1) * count, listener)
    time.sleep(patience_s)  # so that the last of them has waited for as long before the first try ends
    live.gate.set()
    eventually(lambda: len(listener.told) == count)
    assert {type(told) for _, told in listener.told} == {LineUnavailable}
    assert sum(tries) <= MOST_AT_ONCE
    assert live.batches == []
    assert sale.look().number("last_ticket") == 0


def _counted(send: Any, tries: list[int]) -> Any:
    def counting(sale_id: UUID, submissions: list[Submission]) -> Any:
        tries.append(len(submissions))
        return send(sale_id, submissions)

    return counting


def test_what_fails_for_another_reason_is_told_to_those_whom_it_concerns(
    shop: Shop, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale, live, listener = shop.open_sale(), GatedLive(redis_url), Listener()
    live.gate.set()
    intake = intake_over(live, shop.context)
    whole = intake._send
    monkeypatch.setattr(intake, "_send", lambda *_: 1 / 0)
    put_all(intake, sale, shop.shoppers(2), listener)
    eventually(lambda: len(listener.told) == 2)
    assert {type(told) for _, told in listener.told} == {ZeroDivisionError}
    monkeypatch.setattr(intake, "_send", whole)
    put_all(intake, sale, shop.shoppers(1), listener)
    eventually(lambda: len(listener.told) == 3)
    assert isinstance(listener.told[-1][1], Answer)


def test_a_missing_sale_is_told_to_a_caller_that_does_not_wait(shop: Shop, redis_url: str) -> None:
    listener = Listener()
    intake = intake_over(GatedLive(redis_url), shop.context)
    stranger = shop.open_sale()
    submission = Submission(str(new_intent_id(7)), str(shop.shopper()), 1, False)
    intake.put(UUID(int=1), submission, lambda outcome: listener.tell(0, outcome))
    eventually(lambda: listener.told)
    assert isinstance(listener.told[0][1], NoSuchSale)
    assert stranger.look().number("last_ticket") == 0


class Forgetful(Live):
    """Loses its answer to a batch, and falls silent in the middle of being asked about it."""

    def __init__(self, live: Live, answers: int) -> None:
        super().__init__(live.client)
        self.answers_left = answers
        self.is_silent = True

    def submit(self, *args: Any, **kwargs: Any) -> SubmitReply:
        super().submit(*args, **kwargs)
        raise LineUnavailable("The answer is lost.")

    def find(self, sale_id: UUID, intent_id: str) -> Found | None:
        if self.is_silent and self.answers_left == 0:
            raise LineUnavailable("No answer.")
        self.answers_left -= 1
        return super().find(sale_id, intent_id)

    def leave(self, *args: Any, **kwargs: Any) -> Any:
        if self.is_silent:
            raise LineUnavailable("No answer.")
        return super().leave(*args, **kwargs)


def test_what_was_found_in_line_is_told_and_stays_although_the_others_remain_unknown(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_MS", 100)
    monkeypatch.setattr(reply_recovery, "RESOLVE_S", 1.0)
    sale, people = shop.open_sale(), shop.shoppers(3)
    live = Forgetful(shop.context.live, answers=1)
    intake = intake_over(live, shop.context)
    sent = [Submission(str(new_intent_id(sale.row().number)), str(user), 1, False) for user in people]
    first, second, third = intake._send(sale.id, sent)
    assert isinstance(first, Answer)
    assert (first.code, first.intent_id) == (AnswerCode.REPLAYED, sent[0].intent_id)
    assert (type(second), type(third)) == (LineUnavailable, LineUnavailable)
    live.is_silent = False
    eventually(lambda: sale.look().number("waiting") == 1)
    sale.drain()
    assert sorted(sale.statuses()) == ["held", "left", "left"]
    held = next(one for one in sale.intents() if one.status == "held")
    assert str(held.id) == sent[0].intent_id


def test_while_the_ledger_is_away_nobody_is_told_what_is_not_known(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not in line may be decided already, and only the ledger knows."""
    monkeypatch.setattr(module, "PATIENCE_MS", 100)
    sale, user = shop.open_sale(), shop.shopper()
    asked: list[UUID] = []

    def is_stored(intent_id: UUID) -> bool:
        asked.append(intent_id)
        if len(asked) < 3:
            raise LedgerUnavailable("away")
        return True

    live = Forgetful(shop.context.live, answers=100)
    monkeypatch.setattr(live, "find", lambda *_: None)
    intake = Intake(live, shop.context.sale_cache, shop.context.bell, is_stored=is_stored)
    submission = Submission(str(new_intent_id(sale.row().number)), str(user), 1, False)
    (told,) = intake._send(sale.id, [submission])
    assert isinstance(told, Answer)
    assert told.intent_id == submission.intent_id
    assert len(asked) == 3
