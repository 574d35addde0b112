"""Who believes what is over is told, but not what is merely on its way; with stores that tests move."""

import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from models.live.queries import Fate
from models.messages import Message
from tests.unit.test_live_sessions import Socket, entered, somebody
from web.sockets.delivery import reconciler as module
from web.sockets.delivery.reconciler import Reconciler
from web.sockets.delivery.session_registry import SessionRegistry
from web.sockets.delivery.unresolved import INTENT, ORDER

SALE = str(uuid.uuid4())


class Stores:
    """A line and a ledger, as much of them as is asked."""

    def __init__(self) -> None:
        self.serving = 0
        self.fates: dict[str, Fate] = {}
        self.intents: dict[str, tuple[Message, Message | None]] = {}
        self.orders: dict[str, Message] = {}
        self.asked: list[str] = []

    def now_serving(self, _sale_id: uuid.UUID) -> int:
        return self.serving

    def fates_of(self, _sale_id: uuid.UUID, ids: Sequence[str]) -> dict[str, Fate]:
        self.asked += ids
        return {one: self.fates.get(one, Fate.OPEN) for one in ids}


class World:
    """A shopper with a socket, a second socket of somebody else, and the reconciler over both."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stores = stores = Stores()
        context: Any = type("Context", (), {"live": stores})()
        self.sessions = SessionRegistry()
        self.reconciler = Reconciler(context, self.sessions)
        self.mine = somebody()
        self.user_id = str(self.mine.identity.user_id)
        self.socket: Socket = entered(self.sessions, self.mine)
        self.other: Socket = entered(self.sessions, somebody())
        answers = {
            "stored_intents": lambda _context, ids: {
                i: stores.intents[i] for i in ids if i in stores.intents
            },
            "stored_orders": lambda _context, ids: {i: stores.orders[i] for i in ids if i in stores.orders},
            "statuses_of_orders": lambda _context, ids: {
                i: stores.orders[i]["status"] for i in ids if i in stores.orders
            },
        }
        for name, answer in answers.items():
            monkeypatch.setattr(module, name, answer)

    def told(self, kind: str, status: str, **more: Any) -> str:
        """Tell the shopper something, and forget that it was received."""
        message = {"id": str(uuid.uuid4()), "sale_id": SALE, "status": status, **more}
        self.sessions.tell(self.user_id, kind, message)
        self.socket.frames.clear()
        return str(message["id"])

    def settle(self, intent_id: str, status: str, order: Message | None = None) -> None:
        """Decide and settle an intent, and publish nothing."""
        self.stores.fates[intent_id] = Fate.STANDBY if status == "standby" else Fate.SETTLED
        self.stores.intents[intent_id] = (
            {"id": intent_id, "sale_id": SALE, "status": status, "ticket": 1},
            order,
        )

    def received(self) -> list[tuple[str, str]]:
        return [(said["type"], said["status"]) for said in self.socket.told]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_a_verdict_whose_publication_was_lost_is_told_with_its_order(world: World) -> None:
    intent = world.told(INTENT, "queued", ticket=1)
    world.stores.serving = 1
    world.settle(intent, "held", {"id": "o", "sale_id": SALE, "status": "held"})
    world.reconciler.look()
    assert world.received() == []  # it may be on its way
    world.reconciler.look()
    assert world.received() == [("intent", "held"), ("order", "held")]
    assert world.other.frames == []
    world.reconciler.look()
    world.reconciler.look()
    assert len(world.received()) == 2


@pytest.mark.parametrize(("a_question_s", "pauses"), [(0.1, 2.0), (0.5, 4.5)])
def test_looks_take_a_tenth_of_the_time_at_the_most(
    world: World, monkeypatch: pytest.MonkeyPatch, a_question_s: float, pauses: float
) -> None:
    now = 100.0
    waited: list[float] = []

    def ask_slowly(_sale_id: uuid.UUID) -> int:
        nonlocal now
        now += a_question_s
        return 0

    monkeypatch.setattr(world.stores, "now_serving", ask_slowly)
    context: Any = type("Context", (), {"live": world.stores})()
    reconciler = Reconciler(context, world.sessions, clock=lambda: now)
    monkeypatch.setattr(reconciler._wake, "wait", waited.append)
    world.told(INTENT, "queued", ticket=1)
    for _ in range(3):
        reconciler.run_once()
    assert waited == pytest.approx([2.0, pauses, pauses])


def test_what_arrives_late_is_not_told_twice(world: World) -> None:
    intent = world.told(INTENT, "queued", ticket=1)
    world.stores.serving = 1
    world.settle(intent, "sold_out")
    world.reconciler.look()
    world.sessions.tell(world.user_id, INTENT, world.stores.intents[intent][0])
    for _ in range(3):
        world.reconciler.look()
    assert world.received() == [("intent", "sold_out")]


def test_whose_ticket_was_not_passed_is_not_asked_about(world: World) -> None:
    intent = world.told(INTENT, "queued", ticket=2)
    world.stores.serving = 1
    world.reconciler.look()
    assert world.stores.asked == []
    world.stores.serving = 2
    world.reconciler.look()
    assert world.stores.asked == [intent]


def test_a_lost_word_of_standby_and_a_lost_last_word_after_it_are_told(world: World) -> None:
    intent = world.told(INTENT, "queued", ticket=1)
    world.stores.serving = 1
    world.settle(intent, "standby")
    for _ in range(4):
        world.reconciler.look()
    assert world.received() == [("intent", "standby")]
    world.settle(intent, "sold_out")
    for _ in range(4):
        world.reconciler.look()
    assert world.received() == [("intent", "standby"), ("intent", "sold_out")]


def test_a_verdict_that_is_decided_and_not_settled_is_waited_for(world: World) -> None:
    world.told(INTENT, "queued", ticket=1)
    world.stores.serving = 1
    for _ in range(4):
        world.reconciler.look()
    assert world.received() == []


def test_a_lost_change_of_an_order_is_told(world: World) -> None:
    order = world.told(ORDER, "paying")
    world.stores.orders[order] = {"id": order, "sale_id": SALE, "status": "paid"}
    world.reconciler.look()
    assert world.received() == []
    world.reconciler.look()
    assert world.received() == [("order", "paid")]
    world.stores.orders[order] = {"id": order, "sale_id": SALE, "status": "refunded"}
    for _ in range(3):
        world.reconciler.look()
    assert world.received() == [("order", "paid"), ("order", "refunded")]
    assert len(world.sessions.unresolved) == 0


def test_who_has_no_socket_here_any_more_is_not_asked_about(world: World) -> None:
    world.told(INTENT, "queued", ticket=1)
    world.told(ORDER, "held")
    world.stores.serving = 1
    socket: Any = world.socket
    world.sessions.leave(socket)
    world.reconciler.look()
    assert world.stores.asked == []
    assert len(world.sessions.unresolved) == 0


def test_the_last_word_is_nothing_to_remember(world: World) -> None:
    for status in ("held", "sold_out", "rejected", "left"):
        intent = world.told(INTENT, "queued", ticket=1)
        world.sessions.tell(world.user_id, INTENT, {"id": intent, "sale_id": SALE, "status": status})
    assert len(world.sessions.unresolved) == 0
