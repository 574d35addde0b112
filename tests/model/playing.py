"""Owns the playing of one seed: a sale of its own, the steps, the offline check."""

import random
from datetime import UTC, datetime

from models.vocabulary import SaleStatus
from tasks import sales
from tests.model.interleaver import LIMIT, Interleaver
from tests.model.offline import check
from tests.model.play import LONG, PRICE, World
from tests.model.stage import Stage, lossy


def new_stage(world: World, units: int) -> Stage:
    """Open a sale over a connection of the tests' own."""
    context, live = lossy(world.context)
    now = datetime.now(UTC)
    wish = sales.NewSale(
        product_id=world.product_id,
        allocation=units,
        price_minor=PRICE,
        currency="USD",
        opens_at=now,
        closes_at=now + LONG,
        per_shopper_limit=LIMIT,
        hold_seconds=604_800,
    )
    sale = sales.create_sale(context, wish)
    sales.move_sale(context, sale.id, SaleStatus.OPEN)
    return Stage(context, live, sale.id, sale.number)


def play(world: World, seed: int, player: type[Interleaver] = Interleaver) -> None:
    """Play a seed from the beginning to the offline check; raises whatever is found wrong."""
    units = random.Random(seed).randint(1, 7)
    stage = new_stage(world, units)
    history = player(stage, world.people, seed, units).play()
    check(stage, history)
