"""Workers whose Redis, the broker's too, is full: they drain, live on, and hear bells again afterwards."""

import signal

from tasks.runtime.celery_app import DRAIN
from tests.support.contexts import context_over, heard_bell, plain_settings
from tests.support.moods import full
from tests.support.polling import eventually
from tests.support.servers import Stores
from tests.support.shop import Shop
from tests.support.workers import working

ASKED, UNITS = 40, 30
BELLS = 3


def test_a_full_redis_is_drained_and_ends_no_worker(fragile_stores: Stores) -> None:
    settings = plain_settings(fragile_stores)
    bell = heard_bell(settings)
    with context_over(settings, bell=bell) as context, working(fragile_stores) as (worker,):
        sale = Shop(context).open_sale(UNITS)
        worker.send(signal.SIGSTOP)
        eventually(lambda: worker.is_stopped)
        sale.line_up(Shop(context).shoppers(ASKED))
        assert all(bell.ring(sale.id) for _ in range(BELLS))
        with full(context.live.client):
            worker.send(signal.SIGCONT)
            # What the consumer takes up it cannot write down; the worker's own timer drains meanwhile.
            eventually(lambda: "command not allowed" in worker.text)
            eventually(lambda: sale.is_idle() and len(sale.intents()) == ASKED, told=lambda: worker.text)
            assert worker.process.poll() is None, worker.text
        eventually(lambda: bell.ring(sale.id) and bell.unheard(DRAIN) == 0, told=lambda: worker.text)
        assert worker.process.poll() is None, worker.text
        assert sale.row().held == sale.look().number("held") == UNITS
        assert sale.audit().ok
