"""Notes in the ledger the highest ticket of each sale that this process has told a shopper.

Sweeps note what Redis knows. When Redis is lost, the process that told the last tickets still knows them, so
that a rebuild gives none of those numbers again, although no sweep had seen them.
"""

import threading
import time
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import text

from models.database import Database
from models.errors import Unavailable
from models.live.records import Answer, AnswerCode
from tasks.runtime.periodic import Periodic

log: Final = structlog.get_logger()

REST_S: Final = 0.5  # during which tickets gather for the next note
GIVE_UP_S: Final = 600.0  # seconds without a ledger

_NOTE: Final = text("""
    WITH told AS (
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:tickets AS bigint[])) AS t (id, ticket)
    ), locked AS (
        SELECT s.id FROM sales s JOIN told USING (id) ORDER BY s.id FOR NO KEY UPDATE OF s
    )
    UPDATE sales s SET accepted_ticket = greatest(s.accepted_ticket, told.ticket)
    FROM told JOIN locked USING (id) WHERE s.id = told.id
""")


class ToldTickets:
    """Shared by the intake's threads of a process. A thread notes what is new, and ends when nothing is."""

    def __init__(self, database: Database, *, rest_s: float = REST_S) -> None:
        self._database = database
        self._rest_s = rest_s
        self._unnoted: dict[UUID, int] = {}
        self._noting: Periodic | None = None  # while there is something to note
        self._give_up_at = 0.0  # monotonic seconds
        self._lock = threading.Lock()

    def add(self, sale_id: UUID, answers: Sequence[Answer]) -> None:
        """Remember the last ticket of these answers, which are in the line's order; does not block."""
        ticket = next((one.intent.ticket for one in reversed(answers) if _is_given(one) and one.intent), 0)
        if ticket == 0:
            return
        with self._lock:
            self._unnoted[sale_id] = max(ticket, self._unnoted.get(sale_id, 0))
            if self._noting is None:
                self._give_up_at = time.monotonic() + GIVE_UP_S
                noting = Periodic("told_tickets", self._note, self._rest_s, is_at_once=True)
                noting.start()
                self._noting = noting

    def _note(self) -> None:
        with self._lock:
            told = dict(self._unnoted)
            if not told or self._database.is_disposed or time.monotonic() > self._give_up_at:
                if self._noting is not None:
                    self._noting.stop()
                self._noting = None
                return
        try:
            self._write_down(told)
        except Unavailable as error:
            log.warning("told_tickets_not_noted", sales=len(told), error=str(error))
        except Exception:
            log.exception("told_tickets_not_noted", sales=len(told))

    def _write_down(self, told: dict[UUID, int]) -> None:
        # A connection of its own: the pool is left to requests, and it can be closed at any time.
        with self._database.fresh_connection() as connection:
            connection.execute(_NOTE, {"ids": list(told), "tickets": list(told.values())})
        with self._lock:
            for sale_id, ticket in told.items():
                if self._unnoted.get(sale_id) == ticket:
                    del self._unnoted[sale_id]


def _is_given(answer: Answer) -> bool:
    return answer.code == AnswerCode.ACCEPTED
