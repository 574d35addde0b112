"""The platform as a person meets it: a real web process and a real worker over real stores."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import ColumnElement, select

from benchmarks.harness.platform import Platform
from models.tables.background import BackgroundTask
from tasks.background import queue
from tests.support.contexts import SECRET_KEY
from tests.support.polling import eventually
from tests.support.servers import Stores
from tests.support.shop import Shop

PROGRAMS: Final = ("web", "worker", "payments")  # without which nobody buys


@contextmanager
def platform_over(stores: Stores, place: Path, *programs: str, **more: str) -> Iterator[Platform]:
    """A platform with these programs, over stores that run already."""
    settings = {
        "DATABASE_URL": stores.postgres.url,
        "REDIS_URL": stores.redis.url,
        "BROKER_URL": stores.broker_url,
        "SECRET_KEY": SECRET_KEY,
        "ENVIRONMENT": "development",
    }
    platform = Platform.over(place, {**settings, **more})
    try:
        for program in programs:
            platform.start_program(program)
        yield platform
    finally:
        platform.close()


def do_what_was_asked(shop: Shop, which: ColumnElement[bool]) -> None:
    """Do what a background worker does, once it is asked for; the platform of these tests has none."""

    def asked() -> list[BackgroundTask]:
        with shop.context.database.transaction() as session:
            waiting = select(BackgroundTask).where(which, BackgroundTask.state == "PENDING")
            return list(session.scalars(waiting))

    for task in eventually(asked):
        queue.run(shop.context, task.id)
