"""The Prometheus metrics of the sockets."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

SOCKETS: Final = Gauge("sockets", "Open WebSockets", multiprocess_mode="livesum")
WATCHERS: Final = Gauge(
    "sale_watchers", "Subscriptions of open WebSockets to sales", multiprocess_mode="livesum"
)
PUSHED: Final = Counter("socket_messages_pushed_total", "Messages pushed to WebSockets", ("type",))
SKIPPED: Final = Counter(
    "socket_snapshots_skipped_total", "Snapshots not sent to a reader who was behind; the newest follows"
)
CUT_OFF: Final = Counter("sockets_cut_off_total", "WebSockets closed by the server for a fault", ("cause",))
RECOVERED: Final = Counter(
    "socket_news_recovered_total", "Intents and orders told whose publication was lost"
)
REFUSED: Final = Counter(
    "socket_upgrades_refused_total", "WebSockets not let in for want of room or time", ("cause",)
)
BROADCAST_SECONDS: Final = Histogram(
    "sale_spread_seconds",
    "Seconds of work from a sale's first member told to its last, a process",
    buckets=(0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5),
)
FEED_LOST: Final = Counter("live_feed_lost_total", "Times that the subscription to Redis was lost")

PUSHED_SALE: Final = PUSHED.labels("sale")
PUSHED_INTENT: Final = PUSHED.labels("intent")
PUSHED_ORDER: Final = PUSHED.labels("order")
