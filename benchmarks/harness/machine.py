"""What a figure must be read with: the machine's shape, its versions, and its load."""

import os
import platform
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from models.database import Database
    from models.live.redis import Client


def describe_machine(database: "Database", redis: "Client") -> dict[str, Any]:
    """Say on what, and beside what load, the figures were taken."""
    from sqlalchemy import text

    with database.connection() as connection:
        postgres = connection.execute(text("SHOW server_version")).scalar_one()
    info = cast(dict[str, Any], redis.info("server"))
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "postgresql": str(postgres),
        "redis": str(info["redis_version"]),
        "load_average": load_average(),
    }


def load_average() -> list[float]:
    """How many processes wanted to run, over the last 1, 5 and 15 minutes: more than cores is noise."""
    return [round(one, 2) for one in os.getloadavg()]
