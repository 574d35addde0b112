"""The rate limits: by network and account for registering and refreshing, by account for the rest.

How often passwords may be tried is limited by `web.auth.log_in_guard`.
"""

import logging
import time
import uuid
from typing import Final

from flask import request
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter
from redis.exceptions import RedisError

from config import RateLimits, Settings
from web.http.errors import TooManyRequests
from web.limits.counters import STORE_PAUSE_S, counting_client
from web.limits.networks import is_loopback, networks_of

UNLIMITED: Final = 2**63 - 1

log = logging.getLogger(__name__)


class AccountLimit:
    """A fixed window in this process's memory: a dictionary a window, dropped when the window ends.

    Costs about a microsecond. With several processes an account may get through that many times as often.
    """

    def __init__(self, limit: str, *, enabled: bool = True) -> None:
        item = parse(limit)
        self._amount = item.amount if enabled else UNLIMITED
        self._period_s = item.get_expiry()  # seconds
        self._window = -1
        self._counts: dict[uuid.UUID, int] = {}

    def hit(self, account: uuid.UUID) -> None:
        """Count one request.

        Raises:
            TooManyRequests: the account has used up its window.
        """
        now = time.monotonic()
        window = int(now // self._period_s)
        if window != self._window:
            self._window, self._counts = window, {}
        count = self._counts.get(account, 0) + 1
        if count > self._amount:
            raise TooManyRequests((window + 1) * self._period_s - now)
        self._counts[account] = count


class SharedLimit:
    """A fixed window that all processes share, in Redis; while Redis is away, in this one's memory."""

    def __init__(self, store: "LimitStore", name: str, limit: str, *, enabled: bool = True) -> None:
        self._store = store
        self._name = name
        self._item = parse(limit)
        self._enabled = enabled

    def hit(self, who: str, share: int = 1) -> None:
        """Count one request of a network or an account, whose budget is `share` times the limit.

        Raises:
            TooManyRequests: the window is used up.
        """
        if self._enabled:
            item = self._item
            self._store.hit(type(item)(item.amount * share, item.multiples), self._name, who)


class LimitStore:
    """Where shared limits are counted."""

    def __init__(self, redis_url: str) -> None:
        self._shared = FixedWindowRateLimiter(_AtRedis(redis_url)) if redis_url else None
        self._own = FixedWindowRateLimiter(MemoryStorage())
        self._ask_again_at = 0.0  # monotonic seconds

    def hit(self, item: RateLimitItem, *who: str) -> None:
        """Count against an item, in Redis if it answers."""
        if self._shared is not None and time.monotonic() >= self._ask_again_at:
            try:
                _hit(self._shared, item, who)
            except RedisError as error:
                self._ask_again_at = time.monotonic() + STORE_PAUSE_S
                log.warning("limits are counted in memory: %s", error)
            else:
                return
        _hit(self._own, item, who)


class Limits:
    """Every limit there is."""

    def __init__(self, settings: Settings) -> None:
        rates: RateLimits = settings.rate_limits
        enabled = settings.rate_limits_enabled
        store = LimitStore(settings.redis_url)
        self._spares_loopback = not settings.is_production
        self.api = AccountLimit(rates.api, enabled=enabled)
        self.intents = AccountLimit(rates.intents, enabled=enabled)
        self.socket_messages = rates.socket_messages
        self._by_address = {
            "register": SharedLimit(store, "register:address", rates.register, enabled=enabled),
            "refresh": SharedLimit(store, "refresh:address", rates.refresh, enabled=enabled),
            "links": SharedLimit(store, "links:address", rates.links, enabled=enabled),
        }
        self._by_account = {
            "refresh": SharedLimit(store, "refresh:account", rates.refresh, enabled=enabled),
        }

    def hit_address(self, name: str) -> None:
        """Count the request in each network of its address, the narrowest first; loopback may be spared.

        Raises:
            TooManyRequests: a network has used up its window. Those around it are not charged then.
        """
        address = request.remote_addr or ""
        if not self.spares(address):
            for network in networks_of(address):
                self._by_address[name].hit(network.name, network.share)

    def spares(self, address: str) -> bool:
        """Whether an address is not counted: this machine's own in development, for crowds come from it."""
        return self._spares_loopback and is_loopback(address)

    def hit_account(self, name: str, account: str) -> None:
        """Count an account by its id against a limit, wherever the request comes from.

        Raises:
            TooManyRequests: the account has used up its window.
        """
        self._by_account[name].hit(account)


def _hit(limiter: FixedWindowRateLimiter, item: RateLimitItem, who: tuple[str, ...]) -> None:
    if limiter.hit(item, *who):
        return
    left_s = limiter.get_window_stats(item, *who).reset_time - time.time()
    if left_s <= item.get_expiry() + 1:
        raise TooManyRequests(left_s)
    limiter.clear(
        item, *who
    )  # a window that lasts longer than one can: the clock was set back since it began
    limiter.hit(item, *who)


class _AtRedis(RedisStorage):
    """Counts over a client of our own, which knows clusters too. Each count is one key."""

    def __init__(self, url: str) -> None:
        super().__init__("redis://")  # what it connects to is never used
        self.storage = counting_client(url)
        self.initialize_storage(url)
