"""Limits how often passwords may be guessed: by account and network together, by network, and by account.

Nobody is locked out by what others do. A network's own wrong attempts at an account are refused once they are
too many; an account that is tried from many networks makes each of them wait longer between attempts; a
network that tries many accounts has its attempts judged one at a time. Someone who logged in to the account
before, on the same device or lately from the same network, is judged apart from all that. Accounts that do
not exist are counted in the same way; that somebody logs in from a network, only others of that network
might find out.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

from limits import parse

from models.errors import BadCredentials
from web.http.errors import TooManyRequests
from web.limits.counters import MOST_PAUSE_S, Count, Counters
from web.limits.networks import Network

LONGEST_PAUSE_S: Final = MOST_PAUSE_S  # between two tries of one network at an account that many try
HEAT_PERIODS: Final = 10  # windows over which an account's wrong tries from everywhere are summed up
PACE_STEP_S: Final = 0.1  # longer for each wrong try that a network is over its budget
LONGEST_PACE_S: Final = 1.0
MOST_IN_TURN: Final = 8  # of one network, in this process; who comes then is told to come again
PLACE_KEPT_S: Final = 7 * 86_400  # that a network is known to be an account's

WRONG_TOO_OFTEN: Final = "E-mail and password do not belong together; too many were wrong, slow down."

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who tries to log in. `device` is the known device's id, if it is one of this account's."""

    email: str
    networks: tuple[Network, ...]
    device: str | None = None
    is_spared: bool = False  # its network is not counted


@dataclass(frozen=True, slots=True)
class _Tries:
    """What a try is counted in: before it is judged, and when it was wrong."""

    own: tuple[Count, ...]
    networks: tuple[Count, ...]
    account: tuple[Count, ...]


@dataclass(frozen=True, slots=True)
class _Strain:
    """What others' wrong tries ask of this one: a pause after it, and a turn among its network's."""

    pause_s: float
    crowded: Count | None
    pace_s: float

    @property
    def is_felt(self) -> bool:
        """Whether there is any."""
        return self.pause_s > 0 or self.crowded is not None

    @property
    def wait_s(self) -> float:
        """After how long the next try may come."""
        return self.pause_s or (self.crowded.left_s if self.crowded else 0.0)


class LogInGuard:
    """Lets tries through, late or not at all."""

    def __init__(self, counters: Counters, limit: str, *, enabled: bool = True) -> None:
        item = parse(limit)
        self._most, self._period_s = item.amount, item.get_expiry()
        self._counters = counters
        self._is_enabled = enabled
        self._turns = Turns()

    def judge(self, caller: Caller, check: Callable[[], T]) -> T:
        """Check credentials, as often as the caller may.

        Raises:
            TooManyRequests: not now; or they are wrong, and the network's tries are too many.
            Exception: what `check` raises.
        """
        if not self._is_enabled:
            return check()
        tries = self._tries(caller)
        own = [(count.key, 1, count.period_s) for count in tries.own]
        looks = [(count.key, 0, count.period_s) for count in (*tries.networks, *tries.account)]
        found = self._counters.add([*own, *looks])
        try:
            self._refuse_over(tries.own, found)
            strain = self._strain(tries, found[len(own) :])
            with self._slowed(caller, strain):
                passed = check()
        except BadCredentials as error:
            self._count_wrong(tries, found[len(own) :])
            if strain.is_felt:
                raise TooManyRequests(strain.wait_s, WRONG_TOO_OFTEN) from error
            raise
        except BaseException:
            self._counters.add([(key, -by, period_s) for key, by, period_s in own])
            raise
        self._counters.add([(key, -by, period_s) for key, by, period_s in own])
        self._counters.end_pause(_pair(caller))
        self._counters.remember_place(_digest(caller.email), caller.networks[0].name, PLACE_KEPT_S)
        return passed

    def _tries(self, caller: Caller) -> _Tries:
        account = _digest(caller.email)
        if caller.device is not None:
            return _Tries((self._count(f"device:{account}:{caller.device}"),), (), ())
        return _Tries(
            tuple(self._count(f"pair:{account}:{one.name}", one.share) for one in caller.networks),
            ()
            if caller.is_spared
            else tuple(self._count(f"network:{one.name}", one.share) for one in caller.networks),
            (Count(f"account:{account}", self._most, HEAT_PERIODS * self._period_s),),
        )

    def _count(self, name: str, share: int = 1) -> Count:
        return Count(name, self._most * share, self._period_s)

    def _refuse_over(self, counts: tuple[Count, ...], found: list[int]) -> None:
        for count, number in zip(counts, found, strict=False):
            if number > count.most:
                raise TooManyRequests(count.left_s, "Too many wrong tries; slow down.")

    def _strain(self, tries: _Tries, found: list[int]) -> _Strain:
        """The account's, and that of the widest network that has no budget left."""
        pause_s, pace_s, crowded = 0.0, 0.0, None
        for count, number in zip(tries.networks, found, strict=False):
            if number >= count.most:
                crowded = count
                pace_s = min((number - count.most + 1) * PACE_STEP_S, LONGEST_PACE_S)
        if tries.account and (heat := found[-1]) >= self._most:
            pause_s = min(2.0 ** min(heat // self._most, 16), LONGEST_PAUSE_S)
        return _Strain(pause_s, crowded, pace_s)

    @contextmanager
    def _slowed(self, caller: Caller, strain: _Strain) -> Iterator[None]:
        """Let a stranger wait: for the end of its pause by a refusal, and for its turn."""
        if not strain.is_felt or self._knows(caller):
            yield
            return
        if strain.pause_s and (left_s := self._counters.begin_pause(_pair(caller), strain.pause_s)):
            raise TooManyRequests(left_s, "Many try this account; slow down.")
        if strain.crowded is None:
            yield
            return
        with self._turns.take(strain.crowded.name, strain.pace_s):
            yield

    def _knows(self, caller: Caller) -> bool:
        return self._counters.knows_place(_digest(caller.email), caller.networks[0].name, PLACE_KEPT_S)

    def _count_wrong(self, tries: _Tries, found: list[int]) -> None:
        """A network that is over its budget uses up nothing of the wider ones': its neighbours' is left."""
        counted = []
        for count, number in zip(tries.networks, found, strict=False):
            counted.append(count)
            if number >= count.most:
                break
        self._counters.add([(count.key, 1, count.period_s) for count in (*counted, *tries.account)])


class Turns:
    """Lets those who share a name through one at a time, each after a moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, tuple[threading.Lock, int]] = {}

    @contextmanager
    def take(self, name: str, pause_s: float) -> Iterator[None]:
        """Have a turn.

        Raises:
            TooManyRequests: too many wait for theirs.
        """
        with self._lock:
            turn, waiting = self._waiting.get(name) or (threading.Lock(), 0)
            if waiting >= MOST_IN_TURN:
                raise TooManyRequests(waiting * pause_s)
            self._waiting[name] = turn, waiting + 1
        try:
            with turn:
                time.sleep(pause_s)
                yield
        finally:
            with self._lock:
                _, waiting = self._waiting.pop(name)
                if waiting > 1:
                    self._waiting[name] = turn, waiting - 1


def _pair(caller: Caller) -> str:
    return f"{_digest(caller.email)}:{caller.networks[0].name}"


def _digest(email: str) -> str:
    """Keys are as long for every account, and name none."""
    return hashlib.blake2b(email.encode(errors="replace"), digest_size=12).hexdigest()
