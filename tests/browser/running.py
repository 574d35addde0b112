"""The platform as a person meets it: a real web process and a real worker over real stores."""

from pathlib import Path

from benchmarks.harness.platform import Platform
from tests.support.contexts import SECRET_KEY
from tests.support.servers import Stores


def platform_over(stores: Stores, place: Path, **more: str) -> Platform:
    """A platform whose programs are started one by one, over stores that run already."""
    settings = {
        "DATABASE_URL": stores.postgres.url,
        "REDIS_URL": stores.redis.url,
        "BROKER_URL": stores.broker_url,
        "SECRET_KEY": SECRET_KEY,
        "ENVIRONMENT": "development",
    }
    return Platform.over(place, {**settings, **more})
