"""A worker's refusal to serve a Redis that belongs to another ledger.

Such a worker would take the bells, and decide the intents, of a deployment whose ledger it cannot write. So
it does not begin to listen while the Redis is another's, and ends when it becomes that; started again, it
waits.
"""

import os
from collections.abc import Callable
from typing import Final

import structlog

from models.errors import ForeignLine, Unavailable
from tasks.runtime.ownership import Ownership
from tasks.runtime.periodic import Periodic

log: Final = structlog.get_logger()

PERIOD_S: Final = 2.0
LOOKS: Final = 2  # in a row that find a foreign Redis, before a worker that serves ends
EXIT_CODE: Final = 1
REMEDY: Final = "put REDIS_URL right, or run flask ledger adopt-redis"


class OwnRedis(Periodic):
    """Waits before the work, and watches during it. A store that is away tells nothing and stops nobody."""

    def __init__(
        self,
        ownership: Ownership,
        *,
        period_s: float = PERIOD_S,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        super().__init__("own_redis", self._look, period_s)
        self._ownership = ownership
        self._period_s = period_s
        self._end = end
        self._found = 0  # looks in a row that found a foreign Redis

    def wait(self) -> None:
        """Return once the Redis is not another ledger's."""
        while self._is_foreign() and not self.rest(self._period_s):
            pass

    def _look(self) -> None:
        self._found = self._found + 1 if self._is_foreign() else 0
        if self._found >= LOOKS:
            self.stop()
            self._end(EXIT_CODE)

    def _is_foreign(self) -> bool:
        try:
            self._ownership.look()
        except ForeignLine as error:
            log.error("redis_of_another_ledger", error=str(error), remedy=REMEDY)
            return True
        except Unavailable as error:
            log.info("redis_owner_unknown", error=str(error))
        except Exception:
            log.exception("redis_owner_unknown")
        return False
