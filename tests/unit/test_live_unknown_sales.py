"""Sales that are unknown: remembered for a moment, asked for so many times, by a socket and by a network."""

import uuid
from typing import Any

import pytest

from models.errors import NoSuchSale
from tests.unit.test_live_anonymous import peers
from web.http.errors import TooManyRequests
from web.sockets.commands import unknown_sales as module
from web.sockets.commands.unknown_sales import REMEMBERED_S, UnknownSales
from web.sockets.transport.connection import Connection

__all__ = ["peers"]


class Ledger:
    """Knows the sales that it is given, and how often it was asked."""

    def __init__(self, *sales: uuid.UUID) -> None:
        self.sales = set(sales)
        self.asked = 0

    def has(self, sale_id: uuid.UUID) -> bool:
        self.asked += 1
        if sale_id not in self.sales:
            raise NoSuchSale("No sale has this id.")
        return True


class Stage:
    """Sockets that ask, and a clock."""

    def __init__(self, limit: str, **options: Any) -> None:
        self.now = 100.0
        self.unknown = UnknownSales(limit, clock=lambda: self.now, **options)
        self.ledger = Ledger()

    def ask(self, connection: Connection, sale_id: uuid.UUID | None = None) -> str:
        wanted = sale_id or uuid.uuid4()
        try:
            self.unknown.look(connection, wanted, lambda: self.ledger.has(wanted))
        except NoSuchSale:
            return "none"
        except TooManyRequests:
            return "too many"
        return "there"


@pytest.fixture(autouse=True)
def _no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WRONG_PAUSE_S", 0)


def test_that_there_is_none_is_remembered_for_a_moment(peers: Any) -> None:
    stage, sale_id = Stage("30/10 seconds"), uuid.uuid4()
    assert [stage.ask(peers(), sale_id) for _ in range(5)] == ["none"] * 5
    assert stage.ledger.asked == 1
    stage.ledger.sales.add(sale_id)
    stage.now += REMEMBERED_S
    assert stage.ask(peers(), sale_id) == "there"


def test_a_socket_may_be_wrong_so_many_times(peers: Any) -> None:
    stage, one = Stage("3/10 seconds", spares=lambda _: True), peers()
    assert [stage.ask(one) for _ in range(5)] == ["none"] * 3 + ["too many"] * 2
    assert stage.ledger.asked == 3
    assert stage.ask(peers()) == "none"
    stage.now += 10 / 3
    assert [stage.ask(one) for _ in range(2)] == ["none", "too many"]


def test_a_networks_sockets_share_a_budget_and_others_have_their_own(peers: Any) -> None:
    stage = Stage("3/10 seconds")
    assert [stage.ask(peers()) for _ in range(5)] == ["none"] * 3 + ["too many"] * 2
    assert stage.ask(peers("198.51.100.1")) == "none"


def test_wider_networks_have_wider_budgets(peers: Any) -> None:
    stage = Stage("1/10 seconds")
    answers = [stage.ask(peers(f"203.0.113.{number}")) for number in range(20)]
    assert answers == ["none"] * 8 + ["too many"] * 12


def test_sales_that_are_there_cost_nothing_also_once_the_budget_is_spent(peers: Any) -> None:
    stage, one, sale_id = Stage("3/10 seconds"), peers(), uuid.uuid4()
    stage.ledger.sales.add(sale_id)
    assert stage.ask(one, sale_id) == "there"
    assert stage.unknown.is_known(sale_id)
    for _ in range(5):
        stage.ask(one)
    assert [stage.ask(one, sale_id) for _ in range(5)] == ["there"] * 5


def test_those_who_were_wrong_wait_apart(peers: Any) -> None:
    stage, wrong = Stage("3/10 seconds"), peers()
    stage.ask(wrong)
    assert stage.unknown.standing(wrong) != stage.unknown.standing(peers())
    stage.now += 10
    assert stage.unknown.standing(wrong) == stage.unknown.standing(peers())


def test_what_is_remembered_is_bounded(peers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SALES", 10)
    monkeypatch.setattr(module, "MOST_NETWORKS", 10)
    stage = Stage("1000/second")
    for number in range(50):
        stage.ask(peers(f"203.0.{number}.7"))
        stage.ledger.sales.add(sale_id := uuid.uuid4())
        stage.ask(peers(), sale_id)
    assert [len(table) for table in (stage.unknown._none, stage.unknown._known, stage.unknown._spent)] == [
        10
    ] * 3


def test_without_limits_nobody_is_refused(peers: Any) -> None:
    stage, one = Stage("1/10 seconds", enabled=False), peers()
    assert [stage.ask(one) for _ in range(5)] == ["none"] * 5
