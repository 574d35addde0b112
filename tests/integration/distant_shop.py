"""A web process whose way to Redis is not reliable: what it sends there is held back or lost by the test."""

from pathlib import Path
from typing import Any

from models.live.scripts import sha_of
from tests.integration.socket_shop import Shop
from tests.support.proxy import Loss, LossyProxy


class DistantShop(Shop):
    """The web process goes through a proxy; the test's own hands do not."""

    def __init__(self, place: Path, database_url: str, **environment: str) -> None:
        super().__init__(place, database_url, **environment)
        self.proxy = LossyProxy(self.redis.socket_path, place)
        self._environment["REDIS_URL"] = self.proxy.url

    def lose(self, what: Loss) -> None:
        """Have something happen to the next batch of intents on its way to Redis."""
        self.proxy.lose(what, sha_of("submit"))

    def hold_back(self) -> Any:
        """Keep the next batch on its way until `proxy.go_on` is set; `proxy.lost` says that it is there."""
        self.proxy.go_on.clear()
        self.lose(Loss.DELAY)

    def await_in_flight(self) -> None:
        """Wait until a batch is held back."""
        assert self.proxy.lost.wait(20)

    def close(self) -> None:
        super().close()
        self.proxy.close()
