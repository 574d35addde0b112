"""The steps of shoppers: submit, submit again, leave, cancel an order, ask after an intent."""

from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from models.errors import AlreadyDecided, LineUnavailable, NotFound, OrderNotHeld
from models.ids import order_id_of
from models.live.records import Submission
from models.live.store import SubmitReply
from tasks.intents import submit
from tasks.orders import holds
from tests.model.play import LOSSES, PICKS, Play, fates, picked

Requests = list[tuple[int, int, bool, str]]  # who, how many, would fewer do, Idempotency-Key
REQUESTS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(1, 3), st.booleans(), st.sampled_from(("", "", "a", "b"))),
    min_size=1,
    max_size=4,
)


class Shoppers(Play):
    """What shoppers do."""

    @initialize(requests=REQUESTS)
    def come_early(self, requests: Requests) -> None:
        """Some are there at the very beginning."""
        if self.is_set:
            self.submit(requests, "")

    @rule(requests=REQUESTS)
    def submit_more(self, requests: Requests) -> None:
        """The same as `submit`: a line is seldom empty."""
        self.submit(requests, "")

    @rule(requests=REQUESTS, loss=LOSSES)
    def submit(self, requests: Requests, loss: str) -> None:
        """Several submit in one round trip. Who hears nothing asks again, or the process sends it again."""
        sent = self._submissions(requests)
        if loss:
            with self.losing(loss, "submit"):
                assert isinstance(self.attempt(lambda: self._send(sent)), LineUnavailable)
            if loss == "reply":
                self._take(sent)
            if requests[0][1] == 1:
                sent = self._submissions(requests)
        expected = self._take(sent)
        reply = self._send(sent)
        assert [(one.code, one.intent_id) for one in reply.answers] == expected
        for answer in reply.answers:
            known = self.live.known.get(answer.intent_id)
            assert (answer.intent and answer.intent.ticket) == (known and self.live.number_of(known))

    def _submissions(self, requests: Requests) -> list[Submission]:
        made = []
        for who, quantity, fewer, key in requests:
            intent_id = self.stage.intent_id(self.submissions)
            self.submissions += 1
            body = f"{quantity}:{int(fewer)}" if key else ""
            made.append(Submission(intent_id, picked(self.world.people, who), quantity, fewer, key, body))
        return made

    def _send(self, sent: list[Submission]) -> SubmitReply:
        return self.stage.live.submit(self.stage.sale_id, self.ledger.epoch, sent)

    def _take(self, sent: list[Submission]) -> list[tuple[str, str]]:
        answers = [
            self.live.submit(
                one.intent_id, one.user_id, one.quantity, one.accept_fewer, key=one.key, body=one.body_hash
            )
            for one in sent
        ]
        self.accepted |= {intent_id for code, intent_id in answers if code == "accepted"}
        return answers

    @precondition(lambda self: self.accepted)
    @rule(pick=PICKS, loss=LOSSES, is_stranger=st.sampled_from((False, False, False, True)))
    def leave(self, pick: int, loss: str, is_stranger: bool) -> None:
        """Somebody gives up a place, or tries to give up another's. Who hears nothing tries again."""
        intent_id = picked(sorted(self.live.known) or sorted(self.accepted), pick)
        known = self.live.known.get(intent_id)
        user = known.user if known and not is_stranger else "nobody"
        if loss:
            with self.losing(loss, "leave"):
                assert isinstance(self._leave(intent_id, user), LineUnavailable)
            if loss == "reply":
                self.live.leave(intent_id, user, self._left_ms(intent_id))
        found = self._leave(intent_id, user)
        code = self.live.leave(intent_id, user, self._left_ms(intent_id))
        outcome = {"unknown": NotFound, "decided": AlreadyDecided, "left": tuple}[code]
        assert isinstance(found, outcome), (code, found)

    def _leave(self, intent_id: str, user: str) -> object:
        stage = self.stage
        return self.attempt(
            lambda: stage.live.leave(stage.sale_id, self.ledger.epoch, intent_id, user),
            NotFound,
            AlreadyDecided,
        )

    def _left_ms(self, intent_id: str) -> int:
        """When Redis noted that somebody left: only its clock knows."""
        found = self.stage.live.find(self.stage.sale_id, intent_id)
        return found.intent.left_ms if found else 0

    @precondition(lambda self: self.ledger.orders)
    @rule(pick=PICKS, fate=fates("release", dying=("ended", "released")))
    def cancel_order(self, pick: int, fate: str) -> None:
        """Somebody gives a hold up, or an order that is none any more, or one that is being paid."""
        intent_id = picked(sorted(self.ledger.orders), pick)
        user, order_id = UUID(self.ledger.orders[intent_id].user), UUID(order_id_of(intent_id))
        found, was_held = self.both(
            fate,
            lambda: holds.cancel_order(self.stage.context, user, order_id),
            lambda cashier: cashier.cancel(intent_id),
            OrderNotHeld,
        )
        assert isinstance(found, OrderNotHeld) is (was_held is False), (found, was_held)

    def ask_after(self, pick: int) -> None:
        """An intent can be asked after: its status and place are told."""
        if not self.accepted:
            return
        intent_id = picked(sorted(self.accepted), pick)
        told, _ = submit.find_intent(self.stage.context, UUID(intent_id))
        assert (told["status"], told["position"]) == self._place(intent_id)

    def _place(self, intent_id: str) -> tuple[str, int | None]:
        ask = self.live.known.get(intent_id)
        if ask is None:
            return self.ledger.verdicts[intent_id].outcome, None
        if ask.left_ms:
            return "left", None
        if ask in self.live.standby:
            return "standby", self.live.standby.index(ask) + 1
        lobby = self.live.settings.status == "scheduled"
        number = self.live.number_of(ask)
        return ("waiting" if lobby else "queued"), max(number - self.live.now_serving, 0) if number else None
