"""Takes an `intent` that came by socket: passes it to the intake, and answers when the intake calls back.

No greenlet waits for the answer, so a crowd's intents gather in batches as large as the crowd.
"""

import time
from dataclasses import dataclass, field
from functools import partial

from models.live.records import Submission
from models.messages import Message
from tasks.context import Context
from tasks.intake.intake import Outcome
from tasks.intake.sale_cache import SaleRef
from tasks.intents.submit import conclude, is_plain, write_submission
from tasks.tracing.traces import BY_SOCKET
from web.auth.tokens import Identity
from web.limits.rate_limits import AccountLimit
from web.sockets.commands.answers import answer_own, attempt, refuse
from web.sockets.commands.parsing import IntentRequest, read_intent_request
from web.sockets.commands.unknown_sales import UnknownSales
from web.sockets.commands.worker_pool import Doubtful, Step, Work, WorkerPool
from web.sockets.delivery.session_registry import SessionRegistry
from web.sockets.transport.connection import Connection


@dataclass(slots=True)
class _Asked:
    """An intent that was asked for and is not answered yet."""

    connection: Connection
    request: Message
    sale_ref: SaleRef
    submission: Submission
    began_ns: int  # 0 where nothing is traced
    recorded: dict[str, Message] = field(default_factory=dict)  # what its owner was told meanwhile


class Intents:
    """Takes the intents of all sockets."""

    def __init__(
        self,
        context: Context,
        limit: AccountLimit,
        sessions: SessionRegistry,
        pool: WorkerPool,
        unknown: UnknownSales | None = None,
    ) -> None:
        self._context = context
        self._limit = limit
        self._unknown = unknown or UnknownSales("1/second", enabled=False)
        self._sessions = sessions
        self._pool = pool
        self.unanswered = 0  # intents that the intake has and has not answered

    def begin(self, connection: Connection, request: Message, identity: Identity) -> Step | Work:
        """Take an intent; never waits.

        Raises:
            TooManyRequests, Refused: by the same rules as the POST, in the same order.
        """
        self._limit.hit(identity.user_id)
        wanted = read_intent_request(request)
        sale_ref = self._context.sale_cache.known(wanted.sale_id)
        if sale_ref is not None:
            if self._may_enter(identity, sale_ref):
                return self._put(connection, request, str(identity.user_id), wanted, sale_ref)
            look = partial(self._look_and_put, connection, request, identity, wanted, sale_ref)
            return partial(attempt, connection, request, look)
        find = partial(self._find_sale, connection, request, identity, wanted)
        return Doubtful(partial(attempt, connection, request, find), whose=self._unknown.standing(connection))

    def _may_enter(self, identity: Identity, sale_ref: SaleRef) -> bool:
        """Whether a shopper may enter a sale, as far as it is known without a store."""
        if not sale_ref.requires_verified_email or identity.is_verified:
            return True
        return self._context.confirmed.knows(identity.user_id)

    def _look_and_put(
        self,
        connection: Connection,
        request: Message,
        identity: Identity,
        wanted: IntentRequest,
        sale_ref: SaleRef,
    ) -> Step:
        """Look whether the address was confirmed since the token was written; waits for the ledger."""
        if not self._may_enter(identity, sale_ref):
            self._context.confirmed.require(identity.user_id)
        return self._put(connection, request, str(identity.user_id), wanted, sale_ref)

    def _find_sale(
        self, connection: Connection, request: Message, identity: Identity, wanted: IntentRequest
    ) -> Step:
        by_id = self._context.sale_cache.by_id
        sale_ref = self._unknown.look(connection, wanted.sale_id, partial(by_id, wanted.sale_id))
        return self._look_and_put(connection, request, identity, wanted, sale_ref)

    def _put(
        self, connection: Connection, request: Message, user_id: str, wanted: IntentRequest, sale_ref: SaleRef
    ) -> Step:
        submission = write_submission(sale_ref, user_id, wanted.quantity, wanted.accept_fewer, wanted.key)
        began_ns = time.time_ns() if self._context.traces.is_on else 0
        asked = _Asked(connection, request, sale_ref, submission, began_ns)
        self.unanswered += 1
        self._context.intake.put(sale_ref.sale_id, submission, partial(self._take, asked))
        self._sessions.record(user_id, asked.recorded)
        return Step.AWAITED

    def _take(self, asked: _Asked, outcome: Outcome) -> None:
        """Take the intake's answer without making it wait: what needs a store again is for a worker."""
        if asked.began_ns:
            traces, sale_id = self._context.traces, asked.sale_ref.sale_id
            traces.asked(BY_SOCKET, sale_id, asked.submission, outcome, began_ns=asked.began_ns)
        answer = partial(attempt, asked.connection, asked.request, partial(self._answer, asked, outcome))
        at_once = isinstance(outcome, Exception) or is_plain(outcome)
        self._pool.go_on(asked.connection, answer() if at_once else answer)

    def _answer(self, asked: _Asked, outcome: Outcome) -> Step:
        try:
            if isinstance(outcome, Exception):
                refuse(asked.connection, asked.request, outcome)
            else:
                intent = conclude(self._context, asked.sale_ref, asked.submission, outcome)
                # A shopper who was told a verdict meanwhile is not told afterwards that the intent waits.
                newest = asked.recorded.get(intent["id"], intent)
                answer_own(self._sessions, asked.connection, asked.request, newest)
        finally:
            self.unanswered -= 1
            self._sessions.stop_recording(asked.submission.user_id, asked.recorded)
        return Step.ANSWERED
