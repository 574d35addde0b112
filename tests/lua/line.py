"""A line under test: every operation goes through here, so that the invariants are checked after each."""

import uuid
from collections.abc import Sequence
from typing import Any, Final, cast

from models.ids import new_intent_id
from models.live.keys import SaleKeys
from models.live.records import Answer, Claim, ClaimReply, Decision, Look, Regained, Submission, UnitsBack
from models.live.snapshot import LiveSnapshot
from models.live.store import NO_DEADLINE_MS, Live, SubmitReply

EPOCH: Final = "epoch-1"
OPEN: Final[dict[str, str | int]] = {
    "status": "open",
    "number": 7,
    "price_minor": 1999,
    "currency": "USD",
    "per_shopper_limit": 1,
    "hold_ms": 600_000,
    "opens_at_ms": 0,
    "closes_at_ms": 1 << 52,
    "lobby_opens_at_ms": 0,
    "admission_order": "fifo",
    "rate_per_second": 0,
    "max_open_holds": 0,
    "revision": 1,
}
ZEROS: Final = ("held", "sold", "last_ticket", "now_serving", "waiting", "bell_ms")
PACE: Final = ("pace_start_ms", "pace_count", "pace_milli", "bucket", "bucket_ms")
SEED: Final = "5eed"


def snapshot(units: int, **more: str | int) -> LiveSnapshot:
    """The whole state of a sale as it is first laid."""
    counters = dict.fromkeys(ZEROS + PACE, 0) | {"allocation": units, "available": units}
    settings = dict(OPEN)
    for name, value in more.items():
        if name in counters:
            counters[name] = int(value)
        else:
            settings[name] = value
    return LiveSnapshot(settings, counters)


def submission(user: str, *, quantity: int = 1, accept_fewer: bool = False, key: str = "") -> Submission:
    """What a shopper asks, with an id of its own."""
    body_hash = f"{quantity}:{int(accept_fewer)}" if key else ""
    return Submission(str(new_intent_id(7)), user, quantity, accept_fewer, key, body_hash)


def names(count: int) -> list[str]:
    """Ids of shoppers whom nobody has seen yet."""
    return [str(uuid.uuid4()) for _ in range(count)]


class Line:
    """One sale's live state. Raises AssertionError as soon as a step breaks an invariant."""

    def __init__(self, live: Live, units: int = 10, **more: str | int) -> None:
        self.live = live
        self.sale_id = uuid.uuid4()
        self.keys = SaleKeys.of(self.sale_id)
        live.load(self.sale_id, EPOCH, snapshot(units, **more))
        self.check()

    def submit_all(
        self, submissions: Sequence[Submission], *, epoch: str = EPOCH, deadline_ms: int = NO_DEADLINE_MS
    ) -> SubmitReply:
        reply = self.live.submit(self.sale_id, epoch, submissions, deadline_ms=deadline_ms)
        self.check()
        return reply

    def submit(self, user: str, **asked: Any) -> Answer:
        """Have one shopper ask."""
        return self.submit_all([submission(user, **asked)]).answers[0]

    def line_up(self, count: int, **asked: Any) -> list[Answer]:
        """Have so many new shoppers ask together."""
        return self.submit_all([submission(user, **asked) for user in names(count)]).answers

    def claim(self, limit: int = 100, *, lease_ms: int = 60_000, claim_id: str | None = None) -> ClaimReply:
        reply = self.live.claim(self.sale_id, limit, lease_ms=lease_ms, claim_id=claim_id)
        self.check()
        return reply

    def claimed(self, limit: int = 100, **more: Any) -> Claim:
        """Claim, and be sure that there was something."""
        claim = self.claim(limit, **more).claim
        assert claim is not None
        return claim

    def settle(self, claim: Claim, *, units_back: Sequence[UnitsBack] = ()) -> bool:
        settled = self.live.settle(self.sale_id, claim, "[]", units_back=units_back)
        self.check()
        return settled

    def leave(self, answer: Answer, user: str | None = None) -> None:
        assert answer.intent is not None
        self.live.leave(self.sale_id, EPOCH, answer.intent_id, user or answer.intent.user_id)
        self.check()

    def leave_standby(self, decision: Decision) -> None:
        """Have somebody who stands by leave."""
        self.live.leave(self.sale_id, EPOCH, decision.intent_id, decision.user_id)
        self.check()

    def release(self, *intent_ids: str) -> int:
        """Bring holds home; returns how many units came."""
        units, _ = self.live.release(self.sale_id, EPOCH, intent_ids, "[]")
        self.check()
        return units

    def refund(self, *intent_ids: str) -> int:
        """Bring the units of refunded orders home; returns how many came."""
        units, _ = self.live.release(self.sale_id, EPOCH, (), "[]", refunded=intent_ids)
        self.check()
        return units

    def sell(self, *intent_ids: str) -> int:
        """Turn holds into sold units; returns how many."""
        units, _ = self.live.sell(self.sale_id, EPOCH, intent_ids, "[]")
        self.check()
        return units

    def hold_again(self, decision: Decision, *, payment: uuid.UUID | None = None) -> Regained:
        """Try to sell free units to somebody who paid late, by a payment of its own or a certain one."""
        said = self.live.hold_again(
            self.sale_id,
            EPOCH,
            payment or uuid.uuid4(),
            intent_id=decision.intent_id,
            user_id=decision.user_id,
            units=decision.quantity,
        )
        self.check()
        return said

    def configure(self, revision: int, **settings: str | int) -> bool:
        """Bring settings to a revision."""
        done = self.live.configure(self.sale_id, EPOCH, revision, settings, seed=SEED)
        self.check()
        return done

    def adjust(self, units: int, adjustment_id: uuid.UUID | None = None) -> bool:
        applied = self.live.adjust(self.sale_id, EPOCH, adjustment_id or uuid.uuid4(), units)
        self.check()
        return applied

    def set(self, **values: str | int) -> None:
        """Overwrite fields of the state, as a configuration would."""
        self.live.client.hset(self.keys.state, mapping=dict(values))

    def units_of(self, user: str) -> int:
        """Read how many units count against a shopper's limit."""
        return int(str(self.live.client.hget(self.keys.units, user) or 0))

    def look(self) -> Look:
        return self.live.look(self.sale_id)

    def expire_leases(self) -> None:
        """Let every lease have run out, without waiting for it."""
        claims = cast(list[str], self.live.client.zrange(self.keys.claims, 0, -1, withscores=False))
        parked = cast(list[str], self.live.client.zrangebyscore(self.keys.claims, "+inf", "+inf"))
        for claim_id in set(claims) - set(parked):
            self.live.client.zadd(self.keys.claims, {claim_id: 1}, xx=True)

    def check(self) -> None:
        """Hold the live state against the invariants."""
        look = self.look()
        number = look.number
        assert number("available") >= 0, look
        assert number("held") >= 0, look
        assert number("allocation") == number("available") + number("held") + number("sold"), look
        assert look.line_length == number("last_ticket") - number("now_serving"), look
        assert 0 <= number("waiting") <= look.line_length, look
        standby, holds, sold, units = self.live.people(self.sale_id)
        assert number("standby") == len(standby), look
        assert number("open_holds") == len(holds), look
        assert number("held") == sum(map(units_in, holds.values())), look
        assert number("sold") == sum(map(units_in, sold.values())), look
        assert all(counted > 0 for counted in units.values()), units


def units_in(packed: str) -> int:
    """Read the units of a hold or of what is sold."""
    return int(packed.rpartition("|")[2])
