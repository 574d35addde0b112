"""Connects to the live Redis and translates its errors."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import redis
import redis.exceptions as told_by_redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config import is_cluster_url, is_sentinel_url
from models.errors import LineRefused, LineUnavailable
from models.live.connection.cluster import cluster_at
from models.live.connection.sentinel import pool_of_master

CONNECT_TIMEOUT_S: Final = 1.5
ANSWER_TIMEOUT_S: Final = 5.0

Client = redis.Redis


def connect(
    url: str,
    *,
    max_connections: int = 64,
    connect_timeout_s: float = CONNECT_TIMEOUT_S,
    answer_timeout_s: float = ANSWER_TIMEOUT_S,
) -> Client:
    """Make a client that never sends anything twice; callers wait for a free connection.

    redis-py re-sends a script whose reply was lost, by default up to several times; here a lost reply is
    an error for the caller, who knows whether asking again is harmless. Nothing is connected yet.

    `max_connections`: to each server, where there are several.
    """
    options: dict[str, Any] = {
        "decode_responses": True,
        "socket_connect_timeout": connect_timeout_s,
        "socket_timeout": answer_timeout_s,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_error": [],
        "health_check_interval": 0,
        "max_connections": max_connections,
        "timeout": ANSWER_TIMEOUT_S,
    }
    if is_sentinel_url(url):
        return redis.Redis.from_pool(pool_of_master(url, **options))
    if is_cluster_url(url):
        return cluster_at(url, **options)
    return redis.Redis.from_pool(redis.BlockingConnectionPool.from_url(url, **options))


@contextmanager
def translated() -> Iterator[None]:
    """Translate redis-py's errors for «Redis cannot do this now» into the domain's.

    Raises:
        LineRefused: Redis answered so; nothing was done.
        LineUnavailable: there was no answer; what was done is unknown.
    """
    try:
        yield
    except redis.BusyLoadingError as error:  # to redis-py a lost connection, although it is an answer
        raise LineRefused(f"Redis takes nothing now: {error}") from error
    except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
        raise LineUnavailable(f"Redis is away: {error}") from error
    except redis.RedisError as error:
        if is_refusal(error):
            raise LineRefused(f"Redis takes nothing now: {error}") from error
        raise


def is_refusal(error: redis.RedisError) -> bool:
    """Return whether an error is Redis' refusal of any command for now; then nothing was done.

    What is refused inside of a script is refused with the script's first write, and each script here checks
    before it writes: so none is ever half done.
    """
    if isinstance(error, _REFUSALS):
        return True
    told = _CODE.match(str(error))
    return told is not None and told["code"] in _REFUSAL_CODES


# redis-py gives some codes a class of their own and takes them off the text, but only at its beginning.
_REFUSALS: Final = (
    redis.OutOfMemoryError,
    redis.ReadOnlyError,
    redis.BusyLoadingError,
    told_by_redis.ClusterDownError,  # of which MASTERDOWN is one
    told_by_redis.TryAgainError,
    told_by_redis.AskError,  # of which MOVED is one: that server did nothing
)
_REFUSAL_CODES: Final = frozenset(
    ("OOM", "READONLY", "MISCONF", "NOREPLICAS", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY")
)
# Where servers and redis-py put the code, outermost first: «Command # 2 (…) of pipeline caused error: », what
# a MULTI was given up for, and what a command inside of a script met with, which Redis 7 tells as it is, and
# Redis 6.2 as «Error running script (call to f_…): @user_script:80: @user_script: 80: -OOM …».
_CODE: Final = re.compile(
    r"(?:Command \# \d+ \(.*\) of pipeline caused error: )?"
    r"(?:EXECABORT )?(?:Transaction discarded because of: )?-?"
    r"(?:ERR )?(?:Error running script \(call to [^)]*\): @\S*: )?(?:@\w+: ?\d+: -)?"
    r"(?P<code>[A-Z]+) ",
    re.DOTALL,
)
