"""The highest ticket that this process told of each sale: noted in the ledger a moment later, from memory.

Sweeps note what Redis knows. When Redis is lost, the process that told its last tickets still knows them, so
that a rebuild gives none of those numbers again, although no sweep had seen them.
"""

import threading
import time
from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import text

from models.database import Database
from models.errors import Unavailable
from models.live.records import Answer, AnswerCode

log: Final = structlog.get_logger()

REST_S: Final = 0.5  # in which what is told gathers
GIVE_UP_S: Final = 600.0

_NOTE: Final = text("""
    WITH told AS (
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:tickets AS bigint[])) AS t (id, ticket)
    ), free AS (
        SELECT s.id FROM sales s JOIN told USING (id) ORDER BY s.id FOR UPDATE OF s SKIP LOCKED
    )
    UPDATE sales s SET accepted_ticket = greatest(s.accepted_ticket, told.ticket)
    FROM told JOIN free USING (id) WHERE s.id = told.id RETURNING s.id
""")


class ToldTickets:
    """Shared by the carriers of a process. A thread notes what is new, and ends when nothing is."""

    def __init__(self, database: Database, *, rest_s: float = REST_S) -> None:
        self._database = database
        self._rest_s = rest_s
        self._unnoted: dict[UUID, int] = {}
        self._is_noting = False
        self._lock = threading.Lock()

    def add(self, sale_id: UUID, answers: Sequence[Answer]) -> None:
        """Remember the last ticket of these answers, which are in the line's order; waits for nobody."""
        ticket = next((one.intent.ticket for one in reversed(answers) if _is_given(one) and one.intent), 0)
        if ticket == 0:
            return
        with self._lock:
            self._unnoted[sale_id] = max(ticket, self._unnoted.get(sale_id, 0))
            begins, self._is_noting = not self._is_noting, True
        if begins:
            threading.Thread(target=self._note, name="told-tickets", daemon=True).start()

    def _note(self) -> None:
        until = time.monotonic() + GIVE_UP_S
        while True:
            time.sleep(self._rest_s)
            with self._lock:
                told = dict(self._unnoted)
                if not told or time.monotonic() > until:
                    self._is_noting = False
                    return
            try:
                self._forget(told, self._write_down(told))
            except Unavailable as error:
                log.warning("told_tickets_not_noted", sales=len(told), error=str(error))
            except Exception:
                log.exception("told_tickets_not_noted", sales=len(told))

    def _write_down(self, told: dict[UUID, int]) -> Iterable[UUID]:
        asked = {"ids": list(told), "tickets": list(told.values())}
        with self._database.connection() as connection:
            return list(connection.execute(_NOTE, asked).scalars())

    def _forget(self, told: dict[UUID, int], noted: Iterable[UUID]) -> None:
        with self._lock:
            for sale_id in noted:
                if self._unnoted.get(sale_id) == told[sale_id]:
                    del self._unnoted[sale_id]


def _is_given(answer: Answer) -> bool:
    return answer.code == AnswerCode.ACCEPTED
