"""What is known of a client whose upgrade is granted: the hub's welcome rests on it."""

from collections.abc import Sequence
from dataclasses import dataclass

from web.auth.tokens import Verified


@dataclass(frozen=True, slots=True)
class Arrival:
    """A client that is let in. With everything at hand, it is greeted in one piece."""

    address: str = ""
    verified: Verified | None = None  # whose it is, as its cookie or its bearer token says
    sales: Sequence[str] = ()  # that it named to watch, as `subscribe` would
    asks_standing: bool = False  # it wants to be told what it has in them
    acceptance: bytes = b""  # the answer to its upgrade, if that is still to be sent
    has_spoken: bool = False  # it did not wait for the answer: there is something to be read
    said: bytes = b""  # what was read of that already
