"""A process tells of its sockets while it has any, and once that it has none."""

import uuid
from typing import Any, cast

from tasks.context import Context
from web.sockets import presence
from web.sockets.delivery.subscription import Watches
from web.sockets.presence import Presence


class Attendance:
    """Remembers what was told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, dict[str, int]]] = []

    def note(self, _process: str, sockets: int, watchers: dict[str, int], _now_ms: int) -> None:
        self.told.append((sockets, watchers))


class Live:
    """As much of the live state as is asked for."""

    def __init__(self) -> None:
        self.attendance = Attendance()

    def now_ms(self) -> int:
        return 1


class FakeContext:
    """As much of a context as is asked for."""

    def __init__(self) -> None:
        self.live = Live()


def test_sockets_are_told_of_while_there_are_any_and_once_more(monkeypatch: Any) -> None:
    monkeypatch.setattr(presence, "PERIOD_S", 0.0)
    context, counts = FakeContext(), iter([0, 3, 2, 0, 0])
    watches = Watches(cast(Context, context))
    teller = Presence(cast(Context, context), watches, lambda: next(counts))
    for _ in range(5):
        teller.run_once()
    assert context.live.attendance.told == [(3, {}), (2, {}), (0, {})]


def test_of_many_watched_sales_those_with_most_watchers_are_told(monkeypatch: Any) -> None:
    monkeypatch.setattr(presence, "PERIOD_S", 0.0)
    monkeypatch.setattr(presence, "MOST_SALES", 2)
    context, sales = FakeContext(), [uuid.uuid4() for _ in range(3)]
    watches = Watches(cast(Context, context))
    for number, sale in enumerate(sales):
        for _ in range(number + 1):
            watches.join(cast(Any, Member()), sale)
    Presence(cast(Context, context), watches, lambda: 6).run_once()
    assert context.live.attendance.told == [(6, {str(sales[2]): 3, str(sales[1]): 2})]


class Member:
    """A connection that only watches."""

    watched: tuple[Any, ...] = ()
    due = 0.0
