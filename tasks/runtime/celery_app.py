"""The Celery application: its queues and its settings. Opens no connection until it is used.

Celery carries bells and background work, never an intent: no message is essential, none is in order.
"""

from typing import Final

from celery import Celery

from config import Settings

DRAIN: Final = "drain"
BACKGROUND: Final = "background"
PAYMENTS: Final = "payments"
QUEUES: Final = (DRAIN, BACKGROUND, PAYMENTS)
MOST_WAITING: Final = (
    1_000  # messages of a queue; sweeps ring again, and more must not pile up while no worker answers
)
BROKER_TIMEOUT_S: Final = 2
VISIBILITY_S: Final = 60

celery = Celery("flash-sale")


def configure(settings: Settings) -> Celery:
    """Configure the application's broker, queues and settings."""
    celery.conf.update(
        broker_url=settings.broker_url,
        result_backend=None,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        task_default_queue=BACKGROUND,
        task_create_missing_queues=True,
        task_routes={"drain_sale": {"queue": DRAIN}},
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_track_started=False,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_timeout=BROKER_TIMEOUT_S,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=True,  # a full Redis refuses a consumer's writes: retry, do not quit
        broker_transport_options={
            "visibility_timeout": VISIBILITY_S,
            "unacked_restore_interval": 10,  # no message is essential
            "unacked_restore_throttle": 1,
            "socket_connect_timeout": BROKER_TIMEOUT_S,
            "socket_timeout": 10,
            "socket_keepalive": True,
            "max_retries": 0,
            **settings.broker_options,
        },
        timezone="UTC",
        enable_utc=True,
    )
    return celery
