"""The composition root of `celery -A workers.app`: settings, context, signals, schedule."""

import gc
import warnings
from typing import Any, Final

import structlog
from celery.bootsteps import RUN  # type: ignore[attr-defined]  # the stubs lack it
from celery.exceptions import SecurityWarning
from celery.signals import (
    setup_logging,
    task_prerun,
    worker_init,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)
from sqlalchemy.orm import configure_mappers

from config import load_settings
from tasks import celery_tasks
from tasks.context import build_context
from tasks.figures.page import PERIOD_S, FiguresPage
from tasks.runtime.celery_app import celery
from tasks.runtime.failpoints import arm
from tasks.runtime.logs import configure_logging
from tasks.runtime.periodic import Periodic
from workers.heartbeat import Heartbeat
from workers.own_redis import OwnRedis
from workers.schedule import PERIODIC, SCHEDULE, SCHEDULER
from workers.stand_in import StandIn
from workers.timer import SweepTimer
from workers.watchdog import ConsumerWatchdog

log: Final = structlog.get_logger()

CONSUMER: Final = "workers.consumer:QuietConsumer"
COLLECT_AFTER: Final = 10_000  # allocated objects, net; the verdicts of a claim are as many

settings: Final = load_settings()
_context: Final = build_context(settings, settings.process_name)
_heartbeat: Final = Heartbeat(_context.live, _context.measures)
_own_redis: Final = OwnRedis(_context.ownership)
_sweeps: Final = SweepTimer(_context)
_stand_in: Final = StandIn(_context)
_figures: Final = Periodic("figures", FiguresPage(_context).renew, PERIOD_S, hindered="figures_not_made")
_threads: Final[list[Periodic]] = [_sweeps, _stand_in, _own_redis, _figures]

if not settings.is_production:  # a fresh clone is often tried as root; in production the warning stands
    warnings.filterwarnings("ignore", category=SecurityWarning)

celery_tasks.provide(_context)
_heartbeat.listen()
app = celery
app.conf.beat_schedule = SCHEDULE
app.conf.beat_scheduler = SCHEDULER
app.conf.worker_consumer = CONSUMER
arm(settings.failpoint)


@setup_logging.connect
def _log(**_: Any) -> None:
    configure_logging(settings, settings.process_name)


@task_prerun.connect
def _sweep_soon(*, task: Any, **_: Any) -> None:
    """What beat asks for at rest is no sign that anything moves."""
    if task.name not in PERIODIC:
        _sweeps.wake()


@worker_init.connect
def _refuse_foreign_lines(**_: Any) -> None:
    configure_logging(settings, settings.process_name)
    _own_redis.wait()


@worker_ready.connect
def _start_threads(sender: Any, **_: Any) -> None:
    if settings.is_production and (why := settings.payments.why_no_money):
        log.warning("payments_move_no_money", why=why)
    if settings.is_production and settings.risks:
        log.warning("production_allows", risks=settings.risks)
    _threads.append(ConsumerWatchdog(lambda: sender.controller.blueprint.state == RUN))
    queues = list(sender.app.amqp.queues.consume_from)
    _stand_in.serve(queues)
    for thread in _threads:
        thread.start()
    _heartbeat.introduce(sender.hostname, queues)
    _heartbeat.start()
    _spare_the_collector()


def _spare_the_collector() -> None:
    """Leave what the process is made of out of every collection: a walk over it takes as long as a claim."""
    configure_mappers()
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


@worker_shutting_down.connect
def _stop_threads(**_: Any) -> None:
    for thread in reversed(_threads):  # the sweep is waited for, so that it comes last
        thread.stop()


@worker_shutdown.connect
def _say_goodbye(**_: Any) -> None:
    """Tasks that were under way are done by now; until then the worker was at them."""
    _heartbeat.leave()
