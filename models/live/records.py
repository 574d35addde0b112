"""The records exchanged between the Lua scripts and Python, and how they are packed.

Scripts pack with `|` between fields and newlines between rows; ids and numbers contain neither. What is
created for every intent that arrives is a named tuple: a frozen dataclass takes three times as long.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from models.enums import IntentStatus

ANSWER_FIELDS: Final = 3


class Submission(NamedTuple):
    """A purchase intent on its way into a line.

    `body_hash` is empty where no Idempotency-Key came; both then count as absent.
    """

    intent_id: str
    user_id: str
    quantity: int
    accept_fewer: bool
    key: str = ""
    body_hash: str = ""


class LiveIntent(NamedTuple):
    """An intent as the live state keeps it, from its acceptance until its verdict is settled.

    `ticket` is a place in the lobby before the opening; 0 while lots are drawn, and where it left the lobby.

    Times are milliseconds since the epoch, on Redis' clock; `left_ms` is 0 while it stands in line.
    """

    intent_id: str
    user_id: str
    ticket: int
    quantity: int
    accept_fewer: bool
    submitted_ms: int
    left_ms: int

    @classmethod
    def unpack(cls, intent_id: str, packed: str) -> "LiveIntent":
        """Read a record of the `intents` hash."""
        user, ticket, quantity, fewer, submitted, left = packed.split("|")
        return cls(intent_id, user, int(ticket), int(quantity), fewer == "1", int(submitted), int(left))

    def pack(self) -> str:
        """Write a record of the `intents` hash."""
        parts = (self.user_id, self.ticket, self.quantity, int(self.accept_fewer), self.submitted_ms)
        return "|".join(map(str, (*parts, self.left_ms)))

    @property
    def need(self) -> int:
        """The fewest units that would do."""
        return 1 if self.accept_fewer else self.quantity


class Found(NamedTuple):
    """A live intent with what its place is computed from. `standby_place` 1 is next; 0: not on standby."""

    intent: LiveIntent
    standby_place: int
    now_serving: int
    pace_milli: int
    sale_status: str

    @property
    def is_decided(self) -> bool:
        """Whether a claim has decided it, which is not settled yet."""
        is_passed = 0 < self.intent.ticket <= self.now_serving
        return is_passed and self.standby_place == 0 and self.intent.left_ms == 0


class AnswerCode(StrEnum):
    """What `submit.lua` says of one intent."""

    ACCEPTED = "accepted"
    REPLAYED = "replayed"
    IN_LINE = "in_line"
    KEY_REUSED = "key_reused"
    LIMIT_REACHED = "limit_reached"
    TOO_SOON = "too_soon"
    NOT_OPEN = "not_open"
    OVER = "over"


class Answer(NamedTuple):
    """The line's answer to one submission.

    `intent_id` is the new intent's, or that of the one it repeats or collides with. `intent` is None
    where that one is settled already, so that the ledger knows it, or where nothing was found. `wait_ms`: how
    long a shopper who left too often has to wait, if the code is `TOO_SOON`.
    """

    code: AnswerCode
    intent_id: str
    intent: LiveIntent | None
    now_ms: int
    now_serving: int
    pace_milli: int  # decided tickets per 1,000 seconds, as observed; 0 while unknown
    sale_status: str
    wait_ms: int = 0


class ClaimCode(StrEnum):
    """What `claim.lua` hands out."""

    FRESH = "fresh"
    AGAIN = "again"
    EMPTY = "empty"
    NOT_OPEN = "not_open"
    DRAWING = "drawing"
    PACED = "paced"
    FULL = "full"
    AHEAD = "ahead"
    MISSING = "missing"


class Regained(StrEnum):
    """What `hold_again.lua` answers to a late payment. All but `SOLD` change nothing."""

    SOLD = "sold"
    HELD_YET = "held_yet"  # no answer: the units of the hold have not been returned yet; ask again after that
    GONE = "gone"
    OTHERS_FIRST = "others_first"
    LIMIT_REACHED = "limit_reached"


@dataclass(frozen=True, slots=True)
class Decision:
    """One ticket's verdict, as the claim wrote it down. `granted` units; 0 unless held.

    An intent that left the lobby has no ticket: 0.
    """

    intent_id: str
    user_id: str
    ticket: int
    quantity: int
    accept_fewer: bool
    submitted_ms: int
    outcome: str
    reason: str
    granted: int

    @classmethod
    def unpack(cls, row: str) -> "Decision":
        """Read a row of a claim."""
        intent_id, user, ticket, quantity, fewer, submitted, outcome, reason, granted = row.split("|")
        return cls(
            intent_id,
            user,
            int(ticket),
            int(quantity),
            fewer == "1",
            int(submitted),
            outcome,
            reason,
            int(granted),
        )

    @property
    def is_held(self) -> bool:
        """Whether units were set aside."""
        return self.outcome == IntentStatus.HELD

    @property
    def is_standby(self) -> bool:
        """Whether the final verdict is still to come."""
        return self.outcome == IntentStatus.STANDBY


@dataclass(frozen=True, slots=True)
class Claim:
    """A batch of decided tickets that is not known to be in the ledger yet."""

    claim_id: str
    epoch: str
    decided_ms: int
    price_minor: int
    currency: str
    hold_until_ms: int
    decisions: tuple[Decision, ...]

    @classmethod
    def unpack(cls, packed: str) -> "Claim":
        """Read what `claim.lua` wrote down."""
        header, *rows = packed.split("\n")
        claim_id, epoch, decided_ms, price, currency, hold_until_ms = header.split("|")
        decisions = tuple(map(Decision.unpack, rows))
        return cls(claim_id, epoch, int(decided_ms), int(price), currency, int(hold_until_ms), decisions)

    @property
    def held_units(self) -> int:
        """The units that this claim set aside."""
        return sum(decision.granted for decision in self.decisions)


@dataclass(frozen=True, slots=True)
class UnitsBack:
    """An intent for which the ledger keeps other units than the claim set aside. 0: no hold."""

    intent_id: str
    user_id: str
    granted: int
    kept: int

    def pack(self) -> str:
        """Write it as `settle.lua` reads it."""
        return f"{self.intent_id}|{self.user_id}|{self.granted}|{self.kept}"


@dataclass(frozen=True, slots=True)
class ClaimReply:
    """What a worker got: a claim, or why there is none. `parked` claims were given up just now.

    `wait_ms`: how long the pace makes the line wait, where the code is `PACED`.
    """

    code: ClaimCode
    claim: Claim | None
    waiting: int
    parked: int
    wait_ms: int


@dataclass(frozen=True, slots=True)
class Look:
    """A consistent snapshot of a sale's live state, and of the work that waits for it.

    `line_length` is that of lobby and line; `departed` left the lobby, and the ledger has yet to learn of it.
    """

    sale_id: UUID
    now_ms: int
    line_length: int
    claims: int
    overdue: int
    parked: int
    fields: dict[str, str]
    standby_places: tuple[tuple[int, int], ...] = ()  # (ticket, place) of some on standby, in order
    departed: int = 0

    @property
    def is_loaded(self) -> bool:
        """Whether there is a live state at all."""
        return "epoch" in self.fields

    def number(self, field: str) -> int:
        """Read a counter of the state; 0 where there is none."""
        return int(self.fields.get(field) or 0)

    @property
    def needs_a_bell(self) -> bool:
        """Whether a worker has something to do here: a line that moves, lots to draw, an overdue claim."""
        status = self.fields.get("status")
        if self.overdue > 0 or self.departed > 0 or self.is_drawing:
            return True
        if status in ("ended", "cancelled"):
            return self.line_length + self.number("standby") > 0
        return status == "open" and not self._is_full and (self.line_length > 0 or self._standby_moves)

    @property
    def _is_full(self) -> bool:
        """Whether the limit of open holds is reached; the next one that ends rings the bell."""
        most = self.number("max_open_holds")
        return 0 < most <= self.number("open_holds")

    @property
    def _standby_moves(self) -> bool:
        """Return whether somebody on standby can be served, or has no chance any more."""
        if self.number("standby") == 0:
            return False
        available = self.number("available")
        least, most = self.number("standby_min_need"), self.number("standby_max_need")
        return 0 < least <= available or most > available + self.number("held")

    @property
    def is_quiet(self) -> bool:
        """Whether nobody waits and no verdict is in flight."""
        return self.line_length + self.departed + self.claims + self.number("standby") == 0

    @property
    def is_drawing(self) -> bool:
        """Whether lots of the lobby are still to be drawn."""
        return "undrawn_until" in self.fields
