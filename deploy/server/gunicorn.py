"""The settings of the web processes; gunicorn executes this file in its master.

Nothing here imports the application or psycopg: both must find the standard library patched already, which
gevent does in each worker, after the fork. psycopg chooses at its import whether it waits cooperatively.
"""

import ctypes
import gc
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from config import load_settings
from deploy.address import Address
from deploy.server.json_lines import JsonLogger
from deploy.server.leaving import is_leaving, leave_before_stopping

M_MMAP_THRESHOLD = -3  # of malloc.h
LARGE_BYTES = 4 * 1024 * 1024
COLLECT_AFTER = 10_000  # allocated objects, net; a few hundred requests in progress hold as many

_settings = load_settings()

worker_class = "deploy.server.gevent_worker.DrainingWorker"
bind = [Address(_settings.host, _settings.port).bind]
if _settings.ops.port:
    bind.append(Address(_settings.ops.host, _settings.ops.port).bind)
workers = _settings.web_processes
worker_connections = 60_000  # every waiting browser holds one
backlog = 4096  # a crowd arrives within one second
keepalive = 75  # seconds; longer than the usual proxy keeps its side
timeout = 60  # seconds without a sign of life before a worker is replaced
graceful_timeout = 10  # seconds for requests in progress
control_socket_disable = True
# Who connects from this machine is no proxy for that: only what is named here may rename a request's path or
# say that it came by TLS. `TRUSTED_PROXIES` is another matter, which the app looks at by itself.
forwarded_allow_ips = _settings.forwarded_allow_ips
forwarder_headers = _settings.forwarder_headers
if _settings.log_json:
    JsonLogger.process = _settings.process_name
    logger_class = JsonLogger
accesslog = "-" if os.environ.get("ACCESS_LOG") == "1" else None


def on_starting(server: Any) -> None:
    """Let load balancers know before the end."""
    leave_before_stopping(server, _settings.drain_s)


def when_ready(server: Any) -> None:
    """Let nobody sell for nothing unawares, nor run anything else that production was allowed by name."""
    if not _settings.is_production:
        return
    if why := _settings.payments.why_no_money:
        server.log.warning("No payment of this shop moves any money: %s.", why)
    if not _settings.ops.is_set:
        server.log.warning("Without OPS_TOKEN or OPS_PORT, /metrics is for this machine alone.")
    for name, why in _settings.risks.items():
        server.log.warning("PRODUCTION_ALLOWS=%s: %s.", name, why)


def post_fork(_server: Any, _worker: Any) -> None:
    """Import without collecting: all of it stays, and walking over it takes a third of a start."""
    gc.disable()


def post_worker_init(worker: Any) -> None:
    """Refuse to serve with a database driver that would stop the whole process at each query.

    Else leave the application, which is made whole now, to itself.
    """
    import psycopg.waiting
    from sqlalchemy.orm import configure_mappers

    if psycopg.waiting.wait is getattr(psycopg.waiting, "wait_c", None):
        worker.log.critical("psycopg was imported before gevent patched the standard library.")
        raise SystemExit(4)  # gunicorn's own code for an application that cannot be loaded
    configure_mappers()  # a third of a second, which the first shopper would wait for else
    worker.wsgi.extensions["is_leaving"] = is_leaving
    worker.wsgi.extensions.get("prepare", lambda: None)()
    _give_large_blocks_back()
    _spare_the_collector()


def _give_large_blocks_back() -> None:
    """Have glibc return what large blocks held: it learns to keep the 19 MiB that a password takes."""
    with suppress(AttributeError, OSError):  # another C library, which has its own ways
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)


def _spare_the_collector() -> None:
    """Leave what the application is made of out of every collection: walking it takes 7 % of the CPU."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    gc.enable()


def worker_exit(_server: Any, worker: Any) -> None:
    """Let the application end what it does beside requests."""
    getattr(worker.wsgi, "extensions", {}).get("finish", lambda: None)()


def child_exit(_server: Any, worker: Any) -> None:
    """Take a dead worker's live gauges out of the metrics."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
