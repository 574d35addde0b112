"""The operations on the live state in Redis, as typed functions over the Lua scripts. No HTTP, no SQL."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, cast
from uuid import UUID

import orjson

from models.errors import AlreadyDecided, Fenced, LateSubmission, NotFound
from models.live.attendance import Attendance
from models.live.audits import AuditNote
from models.live.figures import Figures
from models.live.heard import Heard
from models.live.keys import CATALOGUE, LEDGER, SaleKeys, turn_at
from models.live.pulse import Pulse
from models.live.queries import LiveQueries
from models.live.records import (
    ANSWER_FIELDS,
    Answer,
    AnswerCode,
    Claim,
    ClaimCode,
    ClaimReply,
    LiveIntent,
    Regained,
    Submission,
    UnitsBack,
)
from models.live.redis import Client, translated
from models.live.replicas import Replicas
from models.live.snapshot import LiveSnapshot
from models.live.workers import WorkerRegistry

IDEMPOTENCY_TTL_MS: Final = 24 * 3_600_000
REBELL_MS: Final = 1_000  # a bell that no worker answered within this time counts as lost
_ANSWERS: Final = {code.value: code for code in AnswerCode}  # a look-up costs a third of AnswerCode(…)
LEASE_MS: Final = 2_000  # longer than a claim takes to persist, short for shoppers who wait
NO_DEADLINE_MS: Final = 1 << 53
MAX_TRIES: Final = 5  # a claim handed out more often is parked
FREE_LEAVINGS: Final = (
    3  # of a shopper in a sale; after each further one a shopper has to wait before coming again
)
LEAVING_PAUSE_MS: Final = 30_000  # after the first of those, and twice as long after each further
LONGEST_PAUSE_MS: Final = 600_000
LOTS_AT_ONCE: Final = 500  # drawn in one step


class Accepted(NamedTuple):
    """How many intents a line has accepted in all, and the last ticket that it has given."""

    intents: int
    last_ticket: int


@dataclass(frozen=True, slots=True)
class SubmitReply:
    """The answers to a batch, in its order, and whether the bell should be rung."""

    answers: list[Answer]
    ring: bool


class Live(LiveQueries):
    """The live state of every sale at one Redis: reads and operations."""

    leaving_pause_ms = LEAVING_PAUSE_MS
    longest_pause_ms = LONGEST_PAUSE_MS

    def __init__(self, client: Client, *, replicas_required: int = 0) -> None:
        super().__init__(client)
        self.replicas = Replicas(client, replicas_required)
        self.pulse = Pulse(client, self._scripts)
        self.attendance = Attendance(client)
        self.heard = Heard(client)
        self.workers = WorkerRegistry(client)
        self.figures = Figures(client)

    def load(self, sale_id: UUID, epoch: str, snapshot: LiveSnapshot, *, replace: bool = False) -> bool:
        """Create the live state of a sale; returns whether it did: an existing one is kept."""
        names, mode = SaleKeys.of(sale_id).whole_state(), "clear" if replace else "new"
        for part in snapshot.pack():
            if self._scripts.run("load", names, [mode, epoch, part]) == "exists":
                return False
            mode = "more"
        return True

    def configure(
        self, sale_id: UUID, epoch: str, revision: int, settings: Mapping[str, str | int], *, seed: str
    ) -> bool:
        """Bring the settings to a revision, and draw the lobby if that opens it; returns whether it was new.

        The drawing is done in steps. If it is interrupted, the next drain of the line goes on with it.

        Raises:
            Fenced: the epoch is not the present one, or there is no live state.
        """
        keys = SaleKeys.of(sale_id)
        args: list[Any] = [epoch, revision, keys.live_channel, seed]
        for pair in settings.items():
            args.extend(pair)
        code, is_drawing = self._scripts.run("configure", [keys.state, keys.lobby], args)
        _refuse_fenced(code, sale_id)
        if is_drawing:
            self.draw(sale_id)
        return bool(code == "configured")

    def draw(self, sale_id: UUID) -> None:
        """Draw the remaining lots of the lobby, in steps between which other commands get their turn.

        Any number may do so at once, and each at any time.

        Raises:
            LineUnavailable: there was no answer; the drawing goes on where it was.
        """
        keys = SaleKeys.of(sale_id)
        args = [LOTS_AT_ONCE, keys.live_channel]
        while self._scripts.run("draw", [keys.state, keys.lobby], args):
            pass

    def adjust(self, sale_id: UUID, epoch: str, adjustment_id: UUID, units: int) -> bool:
        """Raise or cut the allocation once; False if a cut finds too few free units.

        Raises:
            Fenced: the epoch is not the present one, or there is no live state.
        """
        keys = SaleKeys.of(sale_id)
        args = [epoch, str(adjustment_id), units, keys.live_channel]
        code = self._scripts.run("adjust", [keys.state, keys.adjustments], args)
        _refuse_fenced(code, sale_id)
        return bool(code == "applied")

    def submit(
        self,
        sale_id: UUID,
        epoch: str,
        submissions: Sequence[Submission],
        *,
        deadline_ms: int = NO_DEADLINE_MS,
    ) -> SubmitReply:
        """Put intents into the line, in this order; each is answered for itself. At most 500 at once.

        After `deadline_ms`, on Redis' clock, the line refuses them all: then a caller without an answer knows
        by looking that what is not there will not arrive.

        Raises:
            Fenced: the epoch is not the present one, or there is no live state.
            LateSubmission: they came after the deadline; none stands in line.
            NotReplicated: too few replicas know what became of them.
            LineUnavailable: there was no answer; whether they stand in line is unknown.
        """
        keys = SaleKeys.of(sale_id)
        names = [keys.state, keys.line, keys.intents, keys.active, keys.units, keys.lobby, keys.leavings]
        rows = []
        for one in submissions:
            if one.body_hash:
                names.append(keys.idempotency(one.user_id, one.key))
            rows.append((one.intent_id, one.user_id, one.quantity, int(one.accept_fewer), one.body_hash))
        args = [epoch, IDEMPOTENCY_TTL_MS, REBELL_MS, deadline_ms, orjson.dumps(rows)]
        reply = self.replicas.run(self._scripts, "submit", names, args)
        _refuse_fenced(reply[0], sale_id)
        if reply[0] == "late":
            raise LateSubmission("The line was too slow; nothing was accepted.")
        _, now_ms, now_serving, pace_milli, status, ring, *flat = reply
        answers = [
            Answer(
                _ANSWERS[flat[at]],
                flat[at + 1],
                LiveIntent.unpack(flat[at + 1], flat[at + 2]) if flat[at + 2] else None,
                now_ms,
                now_serving,
                pace_milli,
                status,
            )
            if flat[at] != AnswerCode.TOO_SOON
            else _too_soon(int(flat[at + 1]), now_ms, status)
            for at in range(0, len(flat), ANSWER_FIELDS)
        ]
        if self.replicas.required and not any(one.code == AnswerCode.ACCEPTED for one in answers):
            self.replicas.require_known(sale_id)  # others' writes may be told, and no own one was waited for
        return SubmitReply(answers, ring == 1)

    def note_accepted(self, sale_id: UUID, epoch: str) -> Accepted | None:
        """Have the live state note what it has accepted, and return it; None under another epoch."""
        found = self._scripts.run("note", [SaleKeys.of(sale_id).state], [epoch])
        return Accepted(*found) if found else None

    def seal(self, sale_id: UUID, next_epoch: str) -> Accepted:
        """End the present epoch, and return what was accepted until then: nothing more will be."""
        return Accepted(*self._scripts.run("seal", [SaleKeys.of(sale_id).state], [next_epoch]))

    def remember_keys(self, sale_id: UUID, keys: Sequence[tuple[str, str, str, str]]) -> None:
        """Let Idempotency-Keys (shopper, key, intent's id, body's hash) be known that are not any more."""
        names = SaleKeys.of(sale_id)
        with translated():
            pipeline = self.client.pipeline(transaction=False)
            for user_id, key, intent_id, body_hash in keys:
                known = f"{intent_id}|{body_hash}"
                pipeline.set(names.idempotency(user_id, key), known, px=IDEMPOTENCY_TTL_MS, nx=True)
            pipeline.execute()

    def forget_key(self, sale_id: UUID, user_id: str, key: str) -> None:
        """Forget an Idempotency-Key whose intent no longer exists."""
        with translated():
            self.client.delete(SaleKeys.of(sale_id).idempotency(user_id, key))

    def retry_parked(self, sale_id: UUID) -> list[str]:
        """Offer the parked claims again, with all their tries; returns their ids."""
        keys = SaleKeys.of(sale_id)
        with translated():
            parked = cast(list[str], self.client.zrangebyscore(keys.claims, "+inf", "+inf"))
            pipeline = self.client.pipeline(transaction=True)
            for claim_id in parked:
                pipeline.hdel(keys.claimed, f"tries:{claim_id}")
                pipeline.zadd(keys.claims, {claim_id: 0}, xx=True)
            pipeline.execute()
        return parked

    def parked(self, sale_id: UUID) -> list[Claim]:
        """Read the parked claims."""
        keys = SaleKeys.of(sale_id)
        with translated():
            ids = cast(list[str], self.client.zrangebyscore(keys.claims, "+inf", "+inf"))
            packed = cast(list[str | None], self.client.hmget(keys.claimed, ids)) if ids else []
        return [Claim.unpack(one) for one in packed if one]

    def claim(
        self, sale_id: UUID, limit: int, *, lease_ms: int = LEASE_MS, claim_id: str | None = None
    ) -> ClaimReply:
        """Take the next batch of decided tickets: an overdue claim, else the head of the line.

        Where replicas are asked for, no ticket is decided that too few of them have.

        Raises:
            LineUnavailable: there was no answer; a claim that was made comes again when its lease ends.
        """
        args = [claim_id or secrets.token_hex(8), limit, lease_ms, MAX_TRIES]
        reply = self._claim(sale_id, args)
        return self._claim(sale_id, args) if reply.code == ClaimCode.AHEAD else reply

    def _claim(self, sale_id: UUID, args: list[Any]) -> ClaimReply:
        keys = SaleKeys.of(sale_id)
        names = [keys.state, keys.line, keys.intents, keys.active, keys.units, keys.claims, keys.claimed]
        names += [keys.standby, keys.holds, keys.lobby, keys.departed, keys.needs]
        kept = self.replicas.kept_ticket(sale_id)
        code, packed, waiting, parked, wait_ms = self._scripts.run("claim", names, [*args, kept])
        claim = Claim.unpack(packed) if packed else None
        return ClaimReply(ClaimCode(code), claim, waiting, parked, wait_ms)

    def settle(
        self, sale_id: UUID, claim: Claim, told: bytes | str, *, units_back: Sequence[UnitsBack] = ()
    ) -> bool:
        """Drop a claim that is in the ledger and publish its verdicts; returns whether this call did.

        `units_back`: the holds that become what the ledger keeps.

        Raises:
            Fenced: the sale was rebuilt since.
            LineUnavailable: there was no answer; the claim comes again when its lease ends.
        """
        keys = SaleKeys.of(sale_id)
        names = [keys.state, keys.intents, keys.claims, keys.claimed, keys.holds, keys.units]
        args: list[Any] = [claim.claim_id, claim.epoch, keys.live_channel, keys.verdict_channel, told]
        args += [one.pack() for one in units_back]
        code = self._scripts.run("settle", names, args)
        _refuse_fenced(code, sale_id)
        return bool(code == "settled")

    def postpone(self, sale_id: UUID, claim: Claim, delay_ms: int) -> None:
        """Offer a claim again later, without counting the try: the ledger was away."""
        keys = SaleKeys.of(sale_id)
        self._scripts.run("postpone", [keys.claims, keys.claimed], [claim.claim_id, delay_ms])

    def split(self, sale_id: UUID, claim: Claim, refused: Sequence[str]) -> Claim | None:
        """Park the rows of these intents apart from their claim; return what is left, None if nothing."""
        keys = SaleKeys.of(sale_id)
        packed = self._scripts.run("split", [keys.claims, keys.claimed], [claim.claim_id, *refused])
        return Claim.unpack(packed) if packed else None

    def leave(
        self, sale_id: UUID, epoch: str, intent_id: str, user_id: str, *, is_own_will: bool = True
    ) -> tuple[LiveIntent, bool]:
        """Give up a place in the lobby, in line or on standby; leaving twice is leaving once.

        Returns the intent, and whether the bell should be rung. Nobody pays for leaving against their will.

        Raises:
            NotFound: no such intent of this shopper waits.
            AlreadyDecided: it has its verdict.
            Fenced: the epoch is not the present one.
            NotReplicated: it left, and too few replicas know.
        """
        keys = SaleKeys.of(sale_id)
        names = [keys.state, keys.intents, keys.active, keys.units, keys.standby, keys.claims, keys.claimed]
        names += [keys.lobby, keys.departed, keys.leavings, keys.needs]
        args: list[Any] = [epoch, intent_id, user_id, keys.live_channel]
        args += [FREE_LEAVINGS if is_own_will else -1, self.leaving_pause_ms, self.longest_pause_ms]
        code, record, ring = self._scripts.run("leave", names, args)
        _refuse_fenced(code, sale_id)
        if code == "unknown":
            raise NotFound("This intent does not stand in line.")
        if code == "decided":
            raise AlreadyDecided("This intent is already decided.")
        if is_own_will:
            self.replicas.require_known(sale_id)
        return LiveIntent.unpack(intent_id, record), ring == 1

    def withdraw(self, sale_id: UUID, epoch: str, submission: Submission) -> None:
        """Take out of the line what its shopper was never told of; the Idempotency-Key may be used again.

        Raises: as `leave` does.
        """
        self.leave(sale_id, epoch, submission.intent_id, submission.user_id, is_own_will=False)
        if submission.key:
            self.forget_key(sale_id, submission.user_id, submission.key)

    def release(
        self,
        sale_id: UUID,
        epoch: str,
        intent_ids: Sequence[str],
        told: bytes | str,
        *,
        refunded: Sequence[str] = (),
    ) -> tuple[int, bool]:
        """Return the units of ended holds and of refunded orders, each once, and publish their orders.

        At most 1,000 at once. Returns the units that were returned by this call, and whether the bell should
        be rung.

        Raises:
            Fenced: the epoch is not the present one, or there is no live state.
            LineUnavailable: there was no answer; doing it again is harmless.
        """
        keys = SaleKeys.of(sale_id)
        names = [keys.state, keys.holds, keys.units, keys.sold]
        args = [epoch, keys.live_channel, keys.verdict_channel, told, len(intent_ids), *intent_ids, *refunded]
        code, units, ring = self._scripts.run("release", names, args)
        _refuse_fenced(code, sale_id)
        return units, ring == 1

    def sell(
        self, sale_id: UUID, epoch: str, intent_ids: Sequence[str], told: bytes | str
    ) -> tuple[int, bool]:
        """Turn the holds of paid orders into sold units, each once, and publish their orders. At most 1,000.

        Returns the units that were sold by this call, and whether the bell should be rung.

        Raises:
            Fenced: the epoch is not the present one, or there is no live state.
            LineUnavailable: there was no answer; doing it again is harmless.
        """
        keys = SaleKeys.of(sale_id)
        args = [epoch, keys.live_channel, keys.verdict_channel, told, *intent_ids]
        code, units, ring = self._scripts.run("sell", [keys.state, keys.holds, keys.sold], args)
        _refuse_fenced(code, sale_id)
        return units, ring == 1

    def hold_again(
        self, sale_id: UUID, epoch: str, payment_id: UUID, *, intent_id: str, user_id: str, units: int
    ) -> Regained:
        """Sell free units to a shopper who paid after their hold had gone, unless others have a better right.

        A payment gets one answer: asking again gives the same and moves nothing.

        Raises:
            Fenced: the epoch is not the present one, or there is no live state.
            LineUnavailable: there was no answer; asking again tells it.
        """
        keys = SaleKeys.of(sale_id)
        names = [
            keys.state,
            keys.line,
            keys.standby,
            keys.holds,
            keys.sold,
            keys.units,
            keys.late,
            keys.lobby,
        ]
        args = [epoch, str(payment_id), intent_id, user_id, units, keys.live_channel]
        code = self._scripts.run("hold_again", names, args)
        _refuse_fenced(code, sale_id)
        return Regained(code)

    def drop(self, sale_id: UUID) -> None:
        """Remove the live state of a finished sale; Idempotency-Keys end by themselves.

        Raises:
            LineUnavailable: there was no answer; doing it again is harmless.
        """
        with translated():
            keys = SaleKeys.of(sale_id)
            self.client.unlink(*keys.whole_state(), *keys.remarks())

    def note_audit(self, sale_id: UUID, note: AuditNote) -> None:
        """Keep the last audit's verdicts beside the live state, for those who watch the sale."""
        keys = SaleKeys.of(sale_id)
        with translated():
            pipeline = self.client.pipeline(transaction=True)
            pipeline.hset(keys.state, mapping={"audit_ok": int(note.is_ok), "audited_ms": note.at_ms})
            pipeline.set(keys.audit, note.pack())
            pipeline.execute()

    def owner(self) -> str | None:
        """Read which ledger this Redis belongs to; None while it belongs to none."""
        with translated():
            return cast(str | None, self.client.get(LEDGER))

    def belong(self, ledger_id: UUID, *, at_any_rate: bool = False) -> str:
        """Return which ledger this Redis belongs to; to this one if it had none, or if `at_any_rate`.

        What is known is only read, so a full Redis answers too.
        """
        with translated():
            owner = cast(str | None, self.client.get(LEDGER))
            if owner is None or at_any_rate:
                self.client.set(LEDGER, str(ledger_id), nx=not at_any_rate)
                owner = cast(str, self.client.get(LEDGER))
            return owner

    def try_writing(self, sale_id: UUID) -> None:
        """Make sure that Redis accepts writes, by writing a key that nobody reads and that expires at once.

        Raises:
            LineRefused: it accepts none now.
        """
        with translated():
            self.client.set(SaleKeys.of(sale_id).trial, 1, px=1)

    def take_turn(self, work: str, for_ms: int) -> bool:
        """Claim work that only one process should do per `for_ms`; returns whether nobody else did."""
        return bool(self._scripts.run("turn", [turn_at(work)], [for_ms]))

    def tell_catalogue(self) -> None:
        """Publish that a product changed, or that there is a new sale.

        Raises:
            LineUnavailable: there was no answer; listeners find it out within a second.
        """
        with translated():
            self.client.publish(CATALOGUE, "changed")

    def set_turn(self, work: str, for_ms: int) -> None:
        """Have a turn end so long from now on, whichever process has it."""
        with translated():
            self.client.set(turn_at(work), self._now_at(turn_at(work)) + for_ms)

    def tell(self, sale_id: UUID, told: bytes | str) -> None:
        """Publish changed intents and orders to the sockets, outside of a claim.

        Raises:
            LineUnavailable: there was no answer; listeners learn it from the next snapshot.
        """
        with translated():
            self.client.publish(SaleKeys.of(sale_id).verdict_channel, told)


def _too_soon(wait_ms: int, now_ms: int, status: str) -> Answer:
    return Answer(AnswerCode.TOO_SOON, "", None, now_ms, 0, 0, status, wait_ms)


def _refuse_fenced(code: str, sale_id: UUID) -> None:
    if code == "fenced":
        raise Fenced(f"The live state of sale {sale_id} is of another epoch.")
    if code == "missing":
        raise Fenced(f"There is no live state of sale {sale_id}.")
