"""Owns the connection to the live Redis: how it is made, and how its errors are told."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from models.errors import LineUnavailable

CONNECT_TIMEOUT_S: Final = 1.5
ANSWER_TIMEOUT_S: Final = 5.0

Client = redis.Redis


def connect(url: str, *, max_connections: int = 64) -> Client:
    """Make a client that never sends anything twice; who finds all connections in use waits for one.

    redis-py re-sends a script whose reply was lost, by default up to several times; here a lost reply is
    an error for the caller, who knows whether asking again is harmless.
    """
    pool = redis.BlockingConnectionPool.from_url(
        url,
        decode_responses=True,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        socket_timeout=ANSWER_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
        retry_on_error=[],
        health_check_interval=0,
        max_connections=max_connections,
        timeout=ANSWER_TIMEOUT_S,
    )
    return redis.Redis(connection_pool=pool)


@contextmanager
def translated() -> Iterator[None]:
    """Turn redis-py's words for «Redis cannot do this now» into the domain's."""
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
        raise LineUnavailable(f"Redis is away: {error}") from error
    except (redis.OutOfMemoryError, redis.ReadOnlyError) as error:
        raise LineUnavailable(f"Redis takes no writes: {error}") from error
    except redis.ResponseError as error:
        if str(error).startswith(("MISCONF", "LOADING", "NOREPLICAS", "CLUSTERDOWN", "BUSY ")):
            raise LineUnavailable(f"Redis takes no writes: {error}") from error
        raise
