"""The lines that are drained for measuring: how long, with how much stock, and what must come out."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from sqlalchemy import text

from benchmarks.harness.failures import CannotMeasure
from benchmarks.speed.workbench import Place
from models.enums import SaleStatus
from models.ids import new_intent_id
from models.live.records import Submission
from models.tables.catalogue import Product, Sale
from tasks.sales.lifecycle import NewSale, create_sale, move_sale

SUBMITTED_AT_ONCE: Final = 500
LASTS: Final = timedelta(days=1)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Workload:
    """So many intents for one unit each, and so many units."""

    name: str
    intents: int
    units: int


def open_sale(place: Place, units: int) -> Sale:
    """Open a sale of one product, at one unit a shopper."""
    product = Product(name="Speed", list_price_minor=1999, currency="USD")
    with place.context.database.transaction() as session:
        session.add(product)
    now = datetime.now(UTC)
    new_sale = NewSale(
        product_id=product.id,
        allocation=units,
        price_minor=999,
        currency="USD",
        opens_at=now,
        closes_at=now + LASTS,
    )
    return move_sale(place.context, create_sale(place.context, new_sale).id, SaleStatus.OPEN)


def fill_line(place: Place, sale: Sale, users: Sequence[str], *, at_once: int = SUBMITTED_AT_ONCE) -> None:
    """Put an intent of each of the users into the sale's line, so many in a call.

    Raises:
        CannotMeasure: one was not accepted.
    """
    epoch = place.context.sale_cache.by_id(sale.id).epoch
    for batch in batched(users, at_once):
        submissions = [Submission(str(new_intent_id(sale.number)), user, 1, False) for user in batch]
        reply = place.context.live.submit(sale.id, epoch, submissions)
        if any(answer.code != "accepted" for answer in reply.answers):
            raise CannotMeasure(f"The line refused: {reply.answers[0]}")


def require_rows(place: Place, sale: Sale, workload: Workload) -> None:
    """Refuse a figure whose rows are not all there.

    Raises:
        CannotMeasure: the ledger does not hold what the workload must leave.
    """
    with place.context.database.connection() as connection:
        found = connection.execute(_COUNTS, {"sale_id": sale.id}).one()
    expected = (workload.intents, workload.units, workload.units, workload.units)
    if tuple(found) != expected:
        raise CannotMeasure(f"{workload.name}: the ledger holds {tuple(found)} instead of {expected}.")


_COUNTS: Final = text("""
    SELECT (SELECT count(*) FROM intents WHERE sale_id = :sale_id),
           (SELECT count(*) FROM orders WHERE sale_id = :sale_id AND status = 'held'),
           (SELECT count(*) FROM order_events e JOIN orders o ON o.id = e.order_id
            WHERE o.sale_id = :sale_id),
           (SELECT held FROM sales WHERE id = :sale_id)
""")


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut into lists of at most `size`."""
    rest = iter(items)
    while batch := list(itertools.islice(rest, size)):
        yield batch
