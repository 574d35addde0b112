"""What a journey needs before it begins: accounts, a sale that will open, and who comes when."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Final

from benchmarks.client.admin_api import Shop, product_body, sale_body
from benchmarks.client.http import HttpPool
from benchmarks.client.http_wire import Target
from benchmarks.harness.crowd_tokens import PASSWORD, make_crowd_in_bulk, register
from benchmarks.harness.visited_shop import Place
from benchmarks.journey.crowd import JourneyPlan
from benchmarks.journey.settings import JourneySettings
from benchmarks.journey.visitor import draw_ways
from benchmarks.rush.manners import Manner
from benchmarks.rush.shopper import Errand

PEOPLE_A_PROCESS: Final = 2500
REGISTERING_S: Final = 120.0

Account = tuple[str, str, str | None]  # user id, access token, and the e-mail address of who will type it


def get_people(settings: JourneySettings, target: Target, place: Place) -> list[Account]:
    """Accounts for everybody: in bulk, and with a password for those who will type one.

    Raises:
        CannotMeasure, NoAnswer: the shop gives none.
    """
    typing = asyncio.run(_register(settings.typing, target))
    others = settings.people - len(typing)
    known = make_crowd_in_bulk(max(1, others), REGISTERING_S, environment=place.environment)[:others]
    return [*typing, *((user, token, None) for user, token in known)]


async def _register(number: int, target: Target) -> list[Account]:
    pool = HttpPool(target, 1)
    found: list[Account] = []
    deadline = time.monotonic() + REGISTERING_S
    for at in range(number):
        email = f"journey-{time.time_ns():x}-{at}@example.com"
        found.append((*await register(pool, email, deadline), email))
    pool.close()
    return found


def schedule_sale(shop: Shop, settings: JourneySettings, lead_s: float) -> str:
    """Make a product and a sale of it that opens by itself; returns the sale's id.

    Raises:
        CannotMeasure: the shop refuses.
    """
    product = shop.expect(201, "POST", "/api/v1/products", product_body())
    opens_at = datetime.now(UTC) + timedelta(seconds=lead_s)
    body = sale_body(product["id"], settings.units, 1) | {"opens_at": opens_at.isoformat()}
    return str(shop.expect(201, "POST", "/api/v1/sales", body)["id"])


def plan_journey(
    settings: JourneySettings,
    target: Target,
    sale_id: str,
    people: list[Account],
    opens_ns: int,
) -> list[JourneyPlan]:
    """Split people into processes, each with a loopback address of its own where the shop is here."""
    processes = -(-len(people) // PEOPLE_A_PROCESS)
    ready = [
        ((user, token, Manner.PAYS), draw_ways(settings, at, email, PASSWORD))
        for at, (user, token, email) in enumerate(people)
    ]
    return [
        JourneyPlan(
            Errand(target, sale_id, 1, f"127.0.0.{place + 2}" if target.is_here else None),
            tuple(ready[place::processes]),
            opens_ns,
        )
        for place in range(processes)
    ]
