"""Contexts for tests: real ones over real stores, with a bell that only remembers."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Final
from uuid import UUID

import pytest
from celery import Celery
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import tasks.context
from config import PaymentSettings, RateLimits, Settings
from models.database import Database
from tasks.context import Context, build_context, is_stored
from tasks.intake.intake import Intake
from tasks.runtime.bell import Bell, CeleryBell
from tasks.runtime.celery_app import configure
from tests.support.servers import Stores

SECRET_KEY: Final = "0f3b8e5d9c7a4162b8d0e6f1a2c3948576d1e0f9b8a7c6d5"
GENEROUS: Final = "1000000/minute"


class RememberingBell(Bell):
    """Rings nowhere: tests drain by themselves, or have workers whose sweeps ring."""

    def __init__(self) -> None:
        self.takes = True  # whether the broker takes what it rings
        self.rung: list[str] = []
        self.tasks: list[str] = []
        self.others: list[tuple[str, str | None]] = []
        self._lock = threading.Lock()

    def ring(self, sale_id: UUID | str) -> bool:
        with self._lock:
            self.rung.append(str(sale_id))
        return self.takes

    def ring_for_task(self, task_id: UUID) -> bool:
        with self._lock:
            self.tasks.append(str(task_id))
        return True

    def unheard(self, queue: str) -> int | None:  # noqa: ARG002 - whatever was rung, it is heard
        return 0

    def unfinished(self) -> int | None:
        return 0

    def send(self, name: str, subject: str | None, queue: str) -> bool:  # noqa: ARG002 - nobody listens
        with self._lock:
            self.others.append((name, subject))
        return True


def heard_bell(settings: Settings) -> Bell:
    """Make a bell that workers of these settings hear; the process's own Celery keeps its first broker."""
    return CeleryBell(configure(settings, Celery("tests", set_as_current=False)))


def plain_settings(stores: Stores) -> Settings:
    """Settings as `make run` would have them, with limits that no test meets by chance."""
    return Settings(
        environment="development",
        data_dir=stores.place,
        host="127.0.0.1",
        port=8000,
        database_url=stores.postgres.url,
        redis_url=stores.redis.url,
        broker_url=stores.broker_url,
        secret_key=SECRET_KEY,
        admin_email="admin@example.com",
        admin_password=None,
        web_processes=1,
        worker_processes=1,
        access_token_s=900,
        refresh_token_s=86_400,
        allowed_origins=(),
        trusted_proxies=0,
        rate_limits=RateLimits(*(GENEROUS for _ in RateLimits.__dataclass_fields__)),
        rate_limits_enabled=True,
        payments=PaymentSettings("sandbox", 30, "http://127.0.0.1:9/", "sandbox-secret-of-tests"),
        intent_journal="",
        log_level="WARNING",
        log_json=False,
        database_pool_size=8,
        claim_size=500,
        failpoint="",
        process_name="tests",
    )


class BorrowedDatabase(Database):
    """A process's database over connections that outlive it.

    Opening new ones and warming them up costs more than most tests do with them.
    """

    def __init__(self, lender: Database) -> None:
        self.__dict__.update(lender.__dict__)
        self.is_disposed = False

    def dispose(self) -> None:
        """Leave the connections to the next."""
        self.is_disposed = True


@contextmanager
def context_over(settings: Settings, *, bell: Bell | None = None) -> Iterator[Context]:
    """Build a process's parts, and close its connections at the end."""
    built = build_context(settings, settings.process_name)
    database, ringing = built.database, bell or RememberingBell()
    intake = Intake(
        built.live,
        built.sale_cache,
        ringing,
        is_stored=lambda intent_id: is_stored(database, intent_id),
        measures=built.measures,
        journal=built.journal,
    )
    context = replace(built, bell=ringing, intake=intake)
    try:
        yield context
    finally:
        context.database.dispose()
        context.live.client.close()


@contextmanager
def context_borrowing(lender: Database, settings: Settings) -> Iterator[Context]:
    """Build a process's parts over a database's connections, if these are still good."""
    lender.guard = None
    try:
        with lender.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except DBAPIError:  # the test before had them ended
        lender.engine.dispose()
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tasks.context, "Database", lambda *_words, **_named: BorrowedDatabase(lender))
            context = stack.enter_context(context_over(settings))
        lender.guard = context.database.guard
        yield context


def rings(context: Context) -> list[str]:
    """List the sales for which a context's bell was rung."""
    assert isinstance(context.bell, RememberingBell)
    return list(context.bell.rung)
