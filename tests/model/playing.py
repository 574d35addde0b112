"""Plays one seed: a sale of its own, the steps, the offline check."""

import random
from datetime import UTC, datetime

from models.enums import SaleStatus
from tasks.sales import lifecycle
from tests.model.interleaver import LIMIT, Interleaver
from tests.model.interleaver_money import MoneyInterleaver
from tests.model.offline import check
from tests.model.play import LONG, PRICE, World
from tests.model.stage import Stage, forget_others, lossy


def new_stage(world: World, units: int) -> Stage:
    """Open a sale over a connection of the tests' own, alone in the shop."""
    parts = lossy(world.context)
    context = parts.context
    forget_others(context)
    now = datetime.now(UTC)
    new_sale = lifecycle.NewSale(
        product_id=world.product_id,
        allocation=units,
        price_minor=PRICE,
        currency="USD",
        opens_at=now,
        closes_at=now + LONG,
        per_shopper_limit=LIMIT,
        hold_seconds=604_800,
    )
    sale = lifecycle.create_sale(context, new_sale)
    lifecycle.move_sale(context, sale.id, SaleStatus.OPEN)
    return parts.stage(sale.id, sale.number)


def play(world: World, seed: int, player: type[Interleaver] = MoneyInterleaver) -> None:
    """Play a seed from the beginning to the offline check; raises whatever is found wrong."""
    units = random.Random(seed).randint(1, 7)
    stage = new_stage(world, units)
    playing = player(stage, world.people, seed, units)
    try:
        history = playing.play()
    finally:
        playing.stop()
    check(stage, history)
