"""Owns the measurements of the sockets."""

from typing import Final

from prometheus_client import Counter, Gauge

SOCKETS: Final = Gauge("sockets", "Open WebSockets", multiprocess_mode="livesum")
WATCHERS: Final = Gauge(
    "sale_watchers", "Subscriptions of open WebSockets to sales", multiprocess_mode="livesum"
)
PUSHED: Final = Counter("socket_messages_pushed_total", "Messages pushed to WebSockets", ("type",))
CUT_OFF: Final = Counter("sockets_cut_off_total", "WebSockets closed by the server for a fault", ("cause",))
FEED_LOST: Final = Counter("live_feed_lost_total", "Times that the subscription to Redis was lost")

PUSHED_SALE: Final = PUSHED.labels("sale")
PUSHED_INTENT: Final = PUSHED.labels("intent")
PUSHED_ORDER: Final = PUSHED.labels("order")
