"""What goes wrong between the shop and the fake, at the request that a test names."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

CUT_BEFORE: Final = "cut_before"  # nothing is done, nothing is answered
CUT_AFTER: Final = "cut_after"  # all is done, nothing is answered
SLOW: Final = "slow"  # it is worked on until the fake is told to go on
HANG: Final = "hang"  # all is done, the answer does not come
LIMITED: Final = "limited"  # 429, nothing is done
LOCKED: Final = "locked"  # 429 lock_timeout, nothing is done
BROKEN: Final = "broken"  # 500, nothing is done; kept under the key
BROKEN_AFTER: Final = "broken_after"  # 500, all is done; kept under the key
NONSENSE: Final = "nonsense"  # all is done; the answer is a page of some proxy
EVERY: Final = (CUT_BEFORE, CUT_AFTER, LIMITED, LOCKED, BROKEN, BROKEN_AFTER, NONSENSE)


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, once, at the next request of its kind, e.g. `POST /v1/payment_intents/*/confirm`."""

    kind: str
    at: str


class Faults:
    """The faults to come; `chance` may add others, for storms."""

    def __init__(self) -> None:
        self.planned: list[Fault] = []
        self.chance: Callable[[str], str] = lambda _: ""
        self._lock = threading.Lock()

    def next(self, request: str) -> str:
        """Name what goes wrong with this request; empty where nothing does."""
        with self._lock:
            for fault in self.planned:
                if fault.at == request:
                    self.planned.remove(fault)
                    return fault.kind
            return self.chance(request)
