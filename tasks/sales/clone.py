"""Creates a sale with an earlier one's settings."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from uuid import UUID

from models.tables.catalogue import Sale
from tasks.context import Context
from tasks.runtime.admin_log import Actor
from tasks.sales.lifecycle import NewSale, create_sale, get_sale

DAY: Final = timedelta(days=1)

Times = Mapping[str, datetime | None]


def clone_sale(
    context: Context,
    sale_id: UUID,
    *,
    times: Times | None = None,
    zone: tzinfo = UTC,
    by: Actor | None = None,
) -> Sale:
    """Schedule another sale of the same product with the same settings and its own times.

    Without `times` it takes place at the same local time in `zone`, on the first possible day.

    Raises:
        NoSuchSale: there is none to copy.
        NotFound: its product is archived.
        BadSale: the times contradict each other.
    """
    model = get_sale(context, sale_id)
    new_sale = NewSale(
        product_id=model.product_id,
        allocation=model.allocation,
        price_minor=model.price_minor,
        currency=model.currency,
        per_shopper_limit=model.per_shopper_limit,
        hold_seconds=model.hold_seconds,
        requires_verified_email=model.requires_verified_email,
        admission_order=model.admission_order,
        rate_per_second=model.rate_per_second,
        max_open_holds=model.max_open_holds,
        **(times or times_of_another(_times_of(model), datetime.now(UTC), zone)),  # type: ignore[arg-type]
    )
    return create_sale(context, new_sale, by=by, model_id=sale_id)


def times_of_another(times: Times, now: datetime, zone: tzinfo = UTC) -> Times:
    """Propose the same local times, on the first day on which all are in the future, and in their order.

    At a change of daylight saving, a time that does not exist is moved later by the change, and of one
    that exists twice it is the first. That can reverse two close times; then it is a day later.
    """
    of_model = {name: at for name, at in times.items() if at is not None}
    days = max(0, (now - min(of_model.values())) // DAY - 1)
    while not _fits(found := {name: _later(at, days, zone) for name, at in of_model.items()}, now):
        days += 1
    return {name: found.get(name) for name in times}


def _times_of(model: Sale) -> Times:
    return {name: getattr(model, name) for name in ("lobby_opens_at", "opens_at", "closes_at")}


def _later(at: datetime, days: int, zone: tzinfo) -> datetime:
    by_the_clock = at.astimezone(zone).replace(tzinfo=None, fold=0) + days * DAY
    return by_the_clock.replace(tzinfo=zone).astimezone(UTC)


def _fits(times: Mapping[str, datetime], now: datetime) -> bool:
    lobby, opens, closes = times.get("lobby_opens_at"), times["opens_at"], times["closes_at"]
    return min(times.values()) > now and opens < closes and (lobby is None or lobby <= opens)
