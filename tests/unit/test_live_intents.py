"""An `intent` between its message and its answer: what its owner hears meanwhile, and what may wait."""

import time
import uuid
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import gevent
import orjson
import pytest

from models.errors import LineUnavailable
from models.live.records import Answer, AnswerCode, LiveIntent, Submission
from tasks.intake.intake import Outcome, Tell
from tasks.intake.sale_cache import SaleRef
from tasks.tracing.traces import OFF
from web.auth.tokens import Identity, Tokens, Verified
from web.limits.rate_limits import AccountLimit
from web.sockets.commands.dispatcher import MessageDispatcher
from web.sockets.commands.intents import Intents
from web.sockets.commands.worker_pool import Step, Work, WorkerPool
from web.sockets.delivery.session_registry import SessionRegistry
from web.sockets.transport.connection import Connection

SALE = uuid.uuid4()


class Intake:
    """Takes everything, and answers when the test says so."""

    def __init__(self) -> None:
        self.taken: list[tuple[Submission, Tell]] = []

    def put(self, sale_id: uuid.UUID, submission: Submission, tell: Tell) -> None:
        assert sale_id == SALE
        self.taken.append((submission, tell))


class Cache:
    """Knows the sale by heart, or when asked."""

    def __init__(self) -> None:
        self.sale_ref: SaleRef | None = SaleRef(SALE, 7, "epoch")
        self.asked = 0

    def known(self, sale_id: uuid.UUID) -> SaleRef | None:
        return self.sale_ref if sale_id == SALE else None

    def by_id(self, sale_id: uuid.UUID) -> SaleRef:
        self.asked += 1
        return SaleRef(sale_id, 7, "epoch")


class Socket:
    """As much of a connection as is needed to speak for a shopper."""

    def __init__(self) -> None:
        identity = Identity(uuid.uuid4(), "shopper", uuid.uuid4())
        self.identity: Verified | None = Verified(identity, "access", uuid.uuid4(), 0, None)
        self.user = identity.user_id
        self.user_id: str | None = None
        self.is_busy = True
        self.inbox: list[str] = []
        self.told: list[dict[str, Any]] = []

    def push(self, frame: bytes) -> None:
        self.told.append(orjson.loads(frame[frame.index(b"{") :]))


class Stage:
    """One shopper's socket, and what stands behind it."""

    def __init__(self) -> None:
        self.intake, self.sale_cache, self.sessions = Intake(), Cache(), SessionRegistry()
        self.pool = WorkerPool(lambda _connection, _text: Step.ANSWERED)
        context = cast(Any, SimpleNamespace(intake=self.intake, sale_cache=self.sale_cache, traces=OFF))
        self.intents = Intents(context, AccountLimit("5/minute"), self.sessions, self.pool)
        self.socket = Socket()
        self.connection = cast(Connection, self.socket)
        self.sessions.enter(self.connection, cast(Verified, self.socket.identity))

    def ask(self, **more: Any) -> Step | Work:
        message = {"type": "intent", "sale_id": str(SALE), **more}
        return self.intents.begin(self.connection, message, cast(Verified, self.socket.identity).identity)

    def answer(self, outcome: Outcome | None = None) -> None:
        submission, tell = self.intake.taken.pop(0)
        intent = LiveIntent(submission.intent_id, submission.user_id, 1, 1, False, 1000, 0)
        accepted = Answer(AnswerCode.ACCEPTED, submission.intent_id, intent, 1000, 0, 0, "open")
        tell(outcome or accepted)

    def settle(self) -> None:
        """Let the workers do what they can."""
        while self.socket.is_busy:
            gevent.sleep(0)

    def tell_verdict(self, intent_id: str) -> None:
        self.sessions.tell(str(self.socket.user), "intent", {"id": intent_id, "status": "held"})


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_an_intent_of_a_known_sale_is_on_its_way_at_once(stage: Stage) -> None:
    assert stage.ask(id="mine") is Step.AWAITED
    assert stage.sale_cache.asked == 0
    stage.answer()
    (told,) = stage.socket.told
    assert (told["type"], told["status"], told["reply_to"]) == ("intent", "queued", "mine")
    assert not stage.socket.is_busy


def test_an_intent_of_a_sale_that_is_not_remembered_is_work_for_a_worker(stage: Stage) -> None:
    stage.sale_cache.sale_ref = None
    work = stage.ask()
    assert stage.sale_cache.asked == 0
    assert callable(work)
    assert work() is Step.AWAITED
    assert stage.sale_cache.asked == 1
    stage.answer()
    assert stage.socket.told[0]["status"] == "queued"


def test_no_older_news_follows_newer(stage: Stage) -> None:
    """The verdict was pushed while the answer, which says «queued», was still on its way."""
    stage.ask(id="mine")
    stage.tell_verdict(stage.intake.taken[0][0].intent_id)
    stage.answer()
    assert [told["status"] for told in stage.socket.told] == ["held", "held"]
    assert stage.socket.told[-1]["reply_to"] == "mine"


def test_nothing_is_listened_for_after_the_answer(stage: Stage) -> None:
    for outcome in (None, LineUnavailable("away"), Answer(AnswerCode.OVER, "", None, 0, 0, 0, "ended")):
        stage.ask()
        assert stage.sessions._recorders
        stage.answer(outcome)
        assert not stage.sessions._recorders
    assert [told.get("code") for told in stage.socket.told] == [None, "line_unavailable", "sale_over"]


def test_an_answer_that_needs_another_look_is_work_for_a_worker(stage: Stage) -> None:
    stage.ask()
    submission = stage.intake.taken[0][0]
    stage.answer(Answer(AnswerCode.IN_LINE, submission.intent_id, None, 0, 0, 0, "open"))
    assert stage.socket.told == []
    assert stage.socket.is_busy
    stage.settle()
    assert stage.socket.told[0]["code"] == "internal_error"  # this stage has no line to look into
    assert not stage.sessions._recorders


def test_an_answer_to_nobody_is_no_trouble(stage: Stage) -> None:
    stage.ask()
    stage.sessions.leave(stage.connection)
    stage.answer()
    assert not stage.sessions._recorders


@pytest.mark.parametrize("is_revoked", [False, True], ids=["expired", "revoked"])
def test_who_is_out_acts_no_more_though_no_tick_has_come(stage: Stage, is_revoked: bool) -> None:
    verified = cast(Verified, stage.socket.identity)
    if is_revoked:
        verified = replace(verified, expires_at=time.time() + 60)
    stage.socket.identity = verified
    tokens = Tokens("k" * 40, cast(Any, {verified.identity.family} if is_revoked else ()))
    access = cast(Any, SimpleNamespace(tokens=tokens, intents=AccountLimit("5/minute"), unknown=None))
    context = cast(Any, SimpleNamespace(intake=stage.intake, sale_cache=stage.sale_cache, traces=OFF))
    dispatcher = MessageDispatcher(context, access, stage.sessions, cast(Any, None), cast(Any, None))
    for message in ({"type": "intent", "sale_id": str(SALE)}, {"type": "leave", "intent_id": str(SALE)}):
        step = dispatcher.begin(stage.connection, orjson.dumps(message).decode())
        assert (step if isinstance(step, Step) else step()) is Step.ANSWERED
    assert [told["code"] for told in stage.socket.told] == ["unauthenticated"] * 2
    assert stage.intake.taken == []
