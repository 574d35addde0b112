"""Strong mode: writes down in the ledger what a line accepted, before anybody is told.

Redis alone knows an undecided intent else. With the journal a rebuild puts everybody back who was told.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final

import structlog
from sqlalchemy import Connection, text

from models.database import Database
from models.errors import Fenced, NotJournalled, Unavailable
from models.live.records import Answer, AnswerCode, LiveIntent, Submission
from models.messages import at_ms
from tasks.intake.sale_cache import SaleRef

log: Final = structlog.get_logger()

# One statement for a batch. The lock is the one that a foreign key would take: it waits for a rebuild, whose
# epoch is another then, and for nobody else.
_WRITE: Final = text("""
    WITH fence AS (SELECT id FROM sales WHERE id = :sale_id AND epoch = :epoch FOR KEY SHARE)
    INSERT INTO intent_journal (intent_id, sale_id, user_id, ticket, in_lobby, quantity, accept_fewer, key,
                                body_hash, submitted_at)
    SELECT t.id, fence.id, user_id, ticket, :in_lobby, quantity, fewer, key, body_hash,
           to_timestamp(submitted_ms / 1000.0)
    FROM fence, unnest(CAST(:ids AS uuid[]), CAST(:users AS uuid[]), CAST(:tickets AS bigint[]),
                       CAST(:quantities AS int[]), CAST(:fewer AS bool[]), CAST(:keys AS text[]),
                       CAST(:hashes AS text[]), CAST(:submitted AS bigint[]))
         AS t (id, user_id, ticket, quantity, fewer, key, body_hash, submitted_ms)
    ON CONFLICT DO NOTHING
""")

_COUNT: Final = text("SELECT count(*) FROM intent_journal WHERE intent_id = ANY(CAST(:ids AS uuid[]))")

_LEFT: Final = text("UPDATE intent_journal SET left_at = :at WHERE intent_id = :id")

# As `stop_diverged` does where a sweep finds it.
_STOP: Final = text("""
    UPDATE sales SET status = 'paused', revision = revision + 1, stopped_at = now()
    WHERE id = :sale_id AND epoch = :epoch AND status = 'open'
""")

_PURGE: Final = text("""
    DELETE FROM intent_journal j USING intents i
    WHERE i.id = j.intent_id AND i.status <> 'standby'
      AND j.submitted_at < now() - make_interval(hours => :hours)
""")


class Journal:
    """Shared by the intake's threads of a process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, sale_ref: SaleRef, submissions: Sequence[Submission], answers: Sequence[Answer]) -> None:
        """Write down every intent that these answers tell of, in one transaction; twice is once.

        Raises:
            NotJournalled: it could not be; the sale was rebuilt, or another intent has one of the tickets,
                so that Redis has gone back in time, and the sale is stopped.
        """
        rows = [one for one in zip(submissions, answers, strict=True) if _is_standing(one[1])]
        if not rows:
            return
        intents = [answer.intent for _, answer in rows if answer.intent is not None]
        keys = [(one.key, one.body_hash) if _is_new(answer) else ("", "") for one, answer in rows]
        in_lobby = rows[0][1].sale_status == "scheduled"
        try:
            with self._database.connection() as connection:
                _insert(connection, sale_ref, intents, keys, in_lobby=in_lobby)
        except Fenced as error:
            self._stop(sale_ref)
            raise NotJournalled(f"Nothing was accepted: {error}") from error
        except Unavailable as error:
            raise NotJournalled(f"The journal cannot be written: {error}") from error

    def _stop(self, sale_ref: SaleRef) -> None:
        """Stop a sale that has the epoch still, so that what it lacks was not lost to a rebuild."""
        with suppress(Unavailable), self._database.connection() as connection:
            stopped = connection.execute(_STOP, {"sale_id": sale_ref.sale_id, "epoch": sale_ref.epoch})
            if stopped.rowcount:
                log.error("sale_diverged", sale_id=str(sale_ref.sale_id), error="tickets were given before")

    def note_left(self, intent: LiveIntent) -> None:
        """Note that somebody gave up the place.

        Raises:
            LedgerUnavailable: it was not noted; leaving again does it.
        """
        with self._database.connection() as connection:
            connection.execute(_LEFT, {"id": intent.intent_id, "at": at_ms(intent.left_ms)})

    def purge(self, hours: int) -> int:
        """Drop entries that are older and whose verdict is in the ledger; returns how many."""
        with self._database.connection() as connection:
            return connection.execute(_PURGE, {"hours": hours}).rowcount


def _insert(
    connection: Connection,
    sale_ref: SaleRef,
    intents: Sequence[LiveIntent],
    keys: Sequence[tuple[str, str]],
    *,
    in_lobby: bool,
) -> None:
    """Write these rows, or none of them.

    Raises:
        Fenced: the sale was rebuilt, or another intent has one of the tickets.
    """
    ids = [one.intent_id for one in intents]
    written = connection.execute(
        _WRITE,
        {
            "sale_id": sale_ref.sale_id,
            "epoch": sale_ref.epoch,
            "in_lobby": in_lobby,
            "ids": ids,
            "users": [one.user_id for one in intents],
            "tickets": [one.ticket for one in intents],
            "quantities": [one.quantity for one in intents],
            "fewer": [one.accept_fewer for one in intents],
            "keys": [key for key, _ in keys],
            "hashes": [body_hash for _, body_hash in keys],
            "submitted": [one.submitted_ms for one in intents],
        },
    )
    if written.rowcount != len(ids) and _known(connection, ids) != len(set(ids)):
        raise Fenced("the line was rebuilt, or has gone back in time.")


def _known(connection: Connection, ids: Iterable[str]) -> int:
    return int(connection.execute(_COUNT, {"ids": list(ids)}).scalar_one())


def _is_standing(answer: Answer) -> bool:
    told = (AnswerCode.ACCEPTED, AnswerCode.REPLAYED, AnswerCode.IN_LINE)
    return answer.code in told and answer.intent is not None


def _is_new(answer: Answer) -> bool:
    return answer.code == AnswerCode.ACCEPTED
