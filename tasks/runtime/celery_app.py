"""The Celery application: its queues and its settings. Opens no connection until it is used.

Celery carries bells and background work, never an intent: no message is essential, none is in order.
"""

import ssl
from typing import Any, Final

from celery import Celery
from kombu import Exchange, Queue
from kombu.transport import TRANSPORT_ALIASES
from kombu.transport.pyamqp import SSLTransport

from config import Settings

DRAIN: Final = "drain"
BACKGROUND: Final = "background"
PAYMENTS: Final = "payments"
QUEUES: Final = (DRAIN, BACKGROUND, PAYMENTS)
MOST_WAITING: Final = (
    1_000  # messages of a queue; sweeps ring again, and more must not pile up while no worker answers
)
BROKER_TIMEOUT_S: Final = 2
ANSWER_S: Final = 10
RABBIT_ANSWER_S: Final = 3  # who sends to one that is short of memory gets none, and sweeps send too
# After so long what a worker is at is given to another as well: by Redis because it is not acknowledged, by
# RabbitMQ because a process that does one thing at a time sends no heartbeat meanwhile.
VISIBILITY_S: Final = 60

celery = Celery("flash-sale")


class VerifyingTransport(SSLTransport):
    """RabbitMQ over TLS: each node's certificate is checked, and its name, which kombu does of none.

    Reads the options of TLS from the address as those of `rediss://`.
    """

    def establish_connection(self) -> Any:
        """Connect to the node whose turn it is.

        Raises:
            OSError: it does not answer, or its certificate is not good.
        """
        client: Any = self.client
        told = client.ssl if isinstance(client.ssl, dict) else {}
        options = {name.removeprefix("ssl_"): value for name, value in told.items()}
        if options.get("cert_reqs") != ssl.CERT_NONE:
            options.setdefault("server_hostname", client.hostname)
        client.ssl = options or True
        return super().establish_connection()


def configure(settings: Settings, app: Celery = celery) -> Celery:
    """Configure the application's broker, queues and settings."""
    TRANSPORT_ALIASES["amqps"] = f"{__name__}:{VerifyingTransport.__name__}"
    app.conf.update(
        broker_url=settings.broker_url,
        broker_heartbeat=VISIBILITY_S,
        result_backend=None,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        task_default_queue=BACKGROUND,
        task_queues=[queue_of(name, settings) for name in QUEUES],
        task_routes={"drain_sale": {"queue": DRAIN}},
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_track_started=False,
        worker_prefetch_multiplier=1,
        worker_enable_prefetch_count_reduction=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_timeout=BROKER_TIMEOUT_S,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=True,  # a full Redis refuses a consumer's writes: retry, do not quit
        broker_transport_options=_transport_options(settings),
        timezone="UTC",
        enable_utc=True,
    )
    return app


def queue_of(name: str, settings: Settings) -> Queue:
    """The queue of that name, by an exchange of its own as Celery would have made it."""
    arguments = {"x-queue-type": settings.broker_queues} if settings.is_rabbit else None
    return Queue(name, Exchange(name, "direct"), name, queue_arguments=arguments)


def _transport_options(settings: Settings) -> dict[str, Any]:
    """What kombu is told: how long to wait for the broker, and when what was taken up is given to another."""
    each_node_once = settings.broker_url.count(";")
    if settings.is_rabbit:
        return {
            "read_timeout": RABBIT_ANSWER_S,
            "write_timeout": RABBIT_ANSWER_S,
            "max_retries": each_node_once,
        }
    return {
        "visibility_timeout": VISIBILITY_S,
        "unacked_restore_interval": 10,  # no message is essential
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": BROKER_TIMEOUT_S,
        "socket_timeout": ANSWER_S,
        "socket_keepalive": True,
        "max_retries": each_node_once,
        **settings.broker_options,
    }
