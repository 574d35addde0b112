"""Which news of an order are older than what its shopper was told: by the length of its history."""

import pytest

from models.messages import Message
from web.sockets.delivery import unresolved
from web.sockets.delivery.unresolved import ORDER, UnresolvedState


def order(*statuses: str, order_id: str = "o1") -> Message:
    history = [{"status": one, "at": "", "reason": None} for one in statuses]
    return {"id": order_id, "sale_id": "s", "status": statuses[-1], "history": history}


def test_news_with_a_shorter_history_are_older() -> None:
    state = UnresolvedState()
    state.note("ann", ORDER, order("held", "paying", "paid"))
    assert state.is_old(ORDER, order("held", "paying"))
    assert not state.is_old(ORDER, order("held", "paying", "paid"))
    assert not state.is_old(ORDER, order("held", order_id="o2"))


def test_the_beginning_of_an_order_does_not_follow_its_end() -> None:
    state = UnresolvedState()
    state.note("ann", ORDER, order("held", "expired"))
    assert len(state) == 0
    assert state.is_old(ORDER, order("held"))
    assert not state.is_old(ORDER, order("held", "expired", "paid"))


def test_the_ends_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unresolved, "MOST_ENDED", 2)
    state = UnresolvedState()
    for number in range(4):
        state.note("ann", ORDER, order("held", "expired", order_id=f"o{number}"))
    assert [state.is_old(ORDER, order("held", order_id=f"o{number}")) for number in range(4)] == [
        False,
        False,
        True,
        True,
    ]
