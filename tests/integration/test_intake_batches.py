"""Intents that arrive together travel together, and each gets its own answer."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from models.enums import SaleStatus
from models.errors import AlreadyInLine, Fenced, LimitReached, LineUnavailable, NoSuchSale, SaleOver
from models.live.records import Submission
from models.live.redis import connect
from models.live.store import Live, SubmitReply
from tasks.context import is_stored
from tasks.intake.intake import Intake
from tasks.sales.rebuilding.rebuild import rebuild_sale
from tests.support.polling import eventually
from tests.support.shop import SaleUnderTest, Shop

CROWD = 200


class GatedLive(Live):
    """Counts round trips, and holds the first one back until the test lets it go."""

    def __init__(self, redis_url: str) -> None:
        super().__init__(connect(redis_url))
        self.batches: list[int] = []
        self.gate = threading.Event()
        self.error: Exception | None = None

    def submit(
        self, sale_id: UUID, epoch: str, submissions: Sequence[Submission], **more: Any
    ) -> SubmitReply:
        self.batches.append(len(submissions))
        assert self.gate.wait(20)
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        return super().submit(sale_id, epoch, submissions, **more)


@pytest.fixture
def gated(shop: Shop, redis_url: str) -> tuple[Shop, GatedLive]:
    """A shop whose intake goes through the gate."""
    live, context = GatedLive(redis_url), shop.context
    database = context.database
    intake = Intake(live, context.sale_cache, context.bell, is_stored=lambda one: is_stored(database, one))
    return Shop(replace(context, intake=intake)), live


class Crowd:
    """Shoppers who submit at the same moment, each in a thread."""

    def __init__(self, sale: SaleUnderTest, people: list[UUID]) -> None:
        self.answers: dict[UUID, Any] = {}
        self.threads = [threading.Thread(target=self._one, args=(sale, user)) for user in people]
        for thread in self.threads:
            thread.start()

    def _one(self, sale: SaleUnderTest, user: UUID) -> None:
        try:
            self.answers[user] = sale.submit(user)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.answers[user] = error

    def wait(self) -> dict[UUID, Any]:
        for thread in self.threads:
            thread.join(30)
        return self.answers


def gathered(shop: Shop, sale: SaleUnderTest) -> int:
    return shop.context.intake.waiting(sale.id)


def test_those_who_come_during_a_round_trip_share_the_next(gated: tuple[Shop, GatedLive]) -> None:
    shop, live = gated
    sale, people = shop.open_sale(), shop.shoppers(CROWD)
    crowd = Crowd(sale, people)
    eventually(lambda: len(live.batches) == 1 and gathered(shop, sale) == CROWD - live.batches[0])
    live.gate.set()
    answers = crowd.wait()
    assert len(live.batches) == 2
    assert sum(live.batches) == CROWD
    assert sorted(answer["ticket"] for answer in answers.values()) == list(range(1, CROWD + 1))


def test_a_crowd_makes_far_fewer_round_trips_than_shoppers(gated: tuple[Shop, GatedLive]) -> None:
    shop, live = gated
    live.gate.set()
    sale, people = shop.open_sale(), shop.shoppers(CROWD)
    answers = Crowd(sale, people).wait()
    assert sum(live.batches) == CROWD
    assert len(live.batches) <= CROWD
    assert {answer["id"] for answer in answers.values()} == {
        one.intent_id for one in shop.context.live.page(sale.id, limit=CROWD).intents
    }


def test_everybody_in_a_batch_gets_the_own_answer(gated: tuple[Shop, GatedLive]) -> None:
    shop, live = gated
    sale = shop.open_sale(limit=1)
    ann, *others = shop.shoppers(20)
    crowd = Crowd(sale, [ann] * 10 + others)
    eventually(lambda: len(live.batches) == 1 and gathered(shop, sale) == 29 - live.batches[0])
    live.gate.set()
    crowd.wait()
    assert sale.look().number("last_ticket") == 20


def test_an_error_is_told_to_all_who_shared_the_trip_and_to_no_other(gated: tuple[Shop, GatedLive]) -> None:
    shop, live = gated
    sale, people = shop.open_sale(), shop.shoppers(11)
    live.error = Fenced("another epoch")
    crowd = Crowd(sale, people)
    eventually(lambda: len(live.batches) == 1 and gathered(shop, sale) == 11 - live.batches[0])
    refused = live.batches[0]
    live.gate.set()
    answers = list(crowd.wait().values())
    assert sum(isinstance(answer, LineUnavailable) for answer in answers) == refused
    assert sale.look().number("last_ticket") == 11 - refused


def test_a_rebuild_is_noticed_and_the_submission_goes_through(shop: Shop) -> None:
    sale = shop.open_sale()
    ann, bob = shop.shoppers(2)
    sale.submit(ann)
    rebuild_sale(shop.context, sale.id)
    assert sale.submit(bob)["ticket"] == 2  # the first was told to somebody


def test_refusals_are_told_as_what_they_are(shop: Shop) -> None:
    sale = shop.open_sale(limit=2)
    ann, bob = shop.shoppers(2)
    first = sale.submit(ann)
    with pytest.raises(AlreadyInLine) as told:
        sale.submit(ann)
    assert told.value.intent["id"] == first["id"]
    with pytest.raises(LimitReached):
        sale.submit(bob, quantity=3)
    sale.move(SaleStatus.ENDED)
    with pytest.raises(SaleOver):
        sale.submit(bob)


def test_an_unknown_sale_takes_nobody(shop: Shop) -> None:
    stranger = SaleUnderTest(shop.context, shop.product())
    with pytest.raises(NoSuchSale):
        stranger.submit(shop.shopper())
