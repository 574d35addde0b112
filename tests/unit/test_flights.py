"""Of many who ask the same at once, one does; nobody who asks something else waits for that."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks.runtime.single_flight import Flights
from tests.support.polling import eventually


def test_many_who_ask_the_same_cost_as_much_as_one() -> None:
    flights, go_on, asked = Flights[int](), threading.Event(), []

    def ask() -> int:
        asked.append(1)
        go_on.wait()
        return len(asked)

    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(flights.join, "sale", ask) for _ in range(8)]
        eventually(lambda: sum(answer.running() for answer in answers) == 8 and asked)
        go_on.set()
        assert {answer.result() for answer in answers} <= {1, 2}  # one may have come too late to join
    assert len(asked) <= 2


def test_who_asks_something_else_does_not_wait() -> None:
    flights, go_on = Flights[int](), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(flights.join, "one", lambda: int(go_on.wait()))
        assert flights.join("other", lambda: 7) == 7
        assert not slow.done()
        go_on.set()


def test_what_asking_raises_is_raised_and_forgotten() -> None:
    flights = Flights[int]()
    with pytest.raises(ZeroDivisionError):
        flights.join("sale", lambda: 1 // 0)
    assert flights.join("sale", lambda: 1) == 1
