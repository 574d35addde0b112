"""The context that tasks are given: the stores, the bell and the breaker, passed in and never global."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy.orm import Session

from config import Settings
from models.database import Database
from models.driver import QUICK
from models.errors import LedgerBusy, LedgerUnavailable
from models.live.redis import connect
from models.live.store import Live
from models.queries import intents
from models.replica import Replica
from models.tables.ledger_identity import require_writable
from tasks.intake.confirmed_addresses import ConfirmedAddresses
from tasks.intake.intake import Intake
from tasks.intake.journal import Journal
from tasks.intake.sale_cache import SaleCache
from tasks.intake.told_tickets import ToldTickets
from tasks.mail.delivery import Mailer
from tasks.mail.links import Links
from tasks.mail.outbox import session_info
from tasks.providers.registry import Providers
from tasks.push import outbox as pushes
from tasks.push.starting import start_pusher
from tasks.runtime.bell import Bell, CeleryBell
from tasks.runtime.breaker import Breaker
from tasks.runtime.celery_app import configure
from tasks.runtime.measures import Measures
from tasks.runtime.ownership import Ownership
from tasks.tracing.starting import start_traces
from tasks.tracing.traces import OFF, Traces

if TYPE_CHECKING:
    from tasks.push.delivery import Pusher

SILENT_REST_S: Final = 0.2  # between two probes of a ledger that does not answer


@dataclass(frozen=True, slots=True)
class Context:
    """Everything that a task may use. One per process."""

    settings: Settings
    database: Database
    live: Live
    bell: Bell
    breaker: Breaker
    ownership: Ownership
    sale_cache: SaleCache
    confirmed: ConfirmedAddresses
    intake: Intake
    providers: Providers
    mailer: Mailer
    pusher: "Pusher | None" = None  # where there are keys to push by
    measures: Measures = field(default_factory=Measures)
    traces: Traces = OFF
    journal: Journal | None = None  # in strong mode
    replica: Replica | None = None  # of the ledger, to read from

    def reading(self, *, in_step: bool = False) -> AbstractContextManager[Session]:
        """Open a session to read what need not be the newest, unless `in_step`: see `models.replica`."""
        if self.replica is None:
            return self.database.transaction()
        return self.replica.transaction(in_step=in_step)


def build_context(settings: Settings, process: str) -> Context:
    """Wire a process's parts together; nothing connects before its first use."""
    database = Database(
        settings.database_url,
        pool_size=settings.database_pool_size,
        application_name=process,
        info=session_info(settings.mail) | pushes.session_info(settings.push),
        patience=QUICK,
        pooler=settings.database_pooler,
    )
    database.guard = Breaker(database.answers, cool_off_s=SILENT_REST_S)
    live = Live(connect(settings.redis_url), replicas_required=settings.replicas_required)
    bell = CeleryBell(configure(settings))
    sale_cache, measures = SaleCache(database), Measures()
    traces = start_traces(settings, process)
    journal = Journal(database) if settings.intent_journal else None
    return Context(
        settings=settings,
        database=database,
        live=live,
        bell=bell,
        breaker=Breaker(lambda: ledger_takes_claims(database)),
        ownership=Ownership(database, live),
        replica=_replica(settings, database, process),
        sale_cache=sale_cache,
        confirmed=ConfirmedAddresses(database),
        providers=Providers(settings, database),
        mailer=Mailer(database, settings.mail, Links.of(settings)),
        pusher=start_pusher(database, settings),
        measures=measures,
        intake=Intake(
            live,
            sale_cache,
            bell,
            is_stored=lambda intent_id: is_stored(database, intent_id),
            told=ToldTickets(database),
            measures=measures,
            traces=traces,
            journal=journal,
        ),
        traces=traces,
        journal=journal,
    )


def _replica(settings: Settings, database: Database, process: str) -> Replica | None:
    if not settings.database_read_url:
        return None
    replica = Database(
        settings.database_read_url,
        pool_size=settings.database_pool_size,
        application_name=process,
        patience=QUICK,
        pooler=settings.database_pooler,
    )
    return Replica(database, replica, settings.replica_lag_s)


def is_stored(database: Database, intent_id: UUID) -> bool:
    """Return whether the ledger has an intent."""
    with database.transaction() as session:
        return intents.find_intent(session, intent_id) is not None


def ledger_takes_claims(database: Database) -> bool:
    """Return whether PostgreSQL answers and accepts writes; a busy one does."""
    try:
        with database.probing() as connection:
            require_writable(connection)
    except LedgerBusy:
        return True
    except LedgerUnavailable:
        return False
    return True
