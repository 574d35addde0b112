"""Who of the web processes takes the next connection."""

from functools import partial

from deploy.server.sharing import AHEAD, FRESH_S, STALE_S, Board, Share


class Processes:
    """Some processes with a board in common, at a time."""

    def __init__(self, *connections: int, capacity: int = 10_000) -> None:
        self.now = 50.0
        self.capacity = capacity
        self.connections = list(connections)
        board = Board()
        self.shares = [
            Share(board, seat, partial(self.connections.__getitem__, seat), lambda: self.capacity, self.clock)
            for seat in range(len(connections))
        ]
        self.exchange()

    def clock(self) -> float:
        return self.now

    def exchange(self, *silent: int) -> None:
        for _ in range(2):  # so that the first has heard the last
            for seat, share in enumerate(self.shares):
                if seat not in silent:
                    share.exchange()

    @property
    def takers(self) -> list[int]:
        """Who takes a connection at once."""
        return [seat for seat, share in enumerate(self.shares) if not (share.is_ahead or share.is_full)]


def test_alike_processes_all_take() -> None:
    assert Processes(100, 120, 90).takers == [0, 1, 2]


def test_who_has_too_many_lets_the_others_go_first() -> None:
    assert Processes(100, 100 + AHEAD + 1, 90).takers == [0, 2]


def test_a_new_process_goes_before_all_others() -> None:
    assert Processes(5_000, 5_000, 0).takers == [2]


def test_a_process_alone_takes_everything() -> None:
    assert Processes(9_999).takers == [0]
    assert Processes(10_000).takers == [0]


def test_a_full_process_takes_nothing_while_another_has_room() -> None:
    full = Processes(10_000, 9_990)
    assert full.shares[0].is_full
    assert not full.shares[1].is_full


def test_when_all_are_full_all_take_so_that_requests_are_answered() -> None:
    assert Processes(10_000, 10_001).takers == [0, 1]


def test_nobody_lets_a_dead_process_go_first() -> None:
    processes = Processes(5_000, 0)
    assert processes.takers == [1]
    processes.now += STALE_S * 1.1
    processes.exchange(1)
    assert 0 in processes.takers
    processes.exchange()
    assert processes.takers == [1]
    processes.shares[1].leave()
    processes.exchange(1)
    assert 0 in processes.takers


def test_nobody_lets_a_full_process_go_first() -> None:
    processes = Processes(10_000, 9_000, 9_000 + AHEAD, capacity=9_500)
    assert processes.takers == [1, 2]
    processes.connections[1] = 9_500
    processes.exchange()
    assert processes.takers == [2]


def test_whoever_comes_next_goes_to_those_who_have_fewest() -> None:
    processes = Processes(0, 0, 0, 0, 0, 0)
    for number in range(30_000):
        if number % 100 == 0:
            processes.exchange()
        processes.connections[processes.takers[0]] += 1  # the first is the quickest, each time
    assert max(processes.connections) - min(processes.connections) < 5_000 * 0.05


def test_numbers_are_exchanged_when_they_are_asked_for_and_old() -> None:
    processes = Processes(100, 100)
    processes.connections[:] = [100 + AHEAD, 0]
    first, second = processes.shares
    second.exchange()
    first.refresh()
    assert not first.is_ahead  # it knows of a moment ago
    processes.now += 2 * FRESH_S
    first.refresh()
    assert first.is_ahead
