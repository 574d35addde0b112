"""The operations on sales: create, find, list, change; open, pause, resume, end and cancel."""

import uuid
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.enums import SALE_TRANSITIONS, AdminAction, AdmissionOrder, SaleStatus, SubjectKind
from models.errors import AllocationTooSmall, IdempotencyKeyReused, IllegalTransition
from models.queries import sales as asking
from models.queries.products import product_to_sell
from models.queries.sales import find_sale
from models.tables.catalogue import Sale
from tasks.catalogue_changes import tell_change
from tasks.context import Context
from tasks.runtime.admin_log import Actor, record_action
from tasks.runtime.revisions import ANYTHING, Expected, tag_of_sale
from tasks.sales.accepted_marks import refuse_gone_back
from tasks.sales.adjustments import KEY_TAKEN, apply_adjustment
from tasks.sales.changes import Change, UnitsChange, note_change, note_units
from tasks.sales.live_sync import refuse_unwritable, ring_if_needed, sync_live
from tasks.sales.rules import refuse_contradictions

log: Final = structlog.get_logger()

_ACTIONS: Final = {
    SaleStatus.OPEN: AdminAction.OPENED,
    SaleStatus.PAUSED: AdminAction.PAUSED,
    SaleStatus.ENDED: AdminAction.ENDED,
    SaleStatus.CANCELLED: AdminAction.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class NewSale:
    """The settings of a new sale. Prices are in the product's currency, in minor units."""

    product_id: UUID
    allocation: int
    price_minor: int
    currency: str
    opens_at: datetime
    closes_at: datetime
    lobby_opens_at: datetime | None = None
    per_shopper_limit: int = 1
    hold_seconds: int = 600
    requires_verified_email: bool = False
    admission_order: str = AdmissionOrder.FIFO
    rate_per_second: int | None = None
    max_open_holds: int | None = None


def create_sale(
    context: Context, new_sale: NewSale, *, by: Actor | None = None, model_id: UUID | None = None
) -> Sale:
    """Create a scheduled sale and its live state; `model_id` is the sale that it was cloned from.

    Raises:
        NotFound: no such product.
        BadSale: the settings contradict each other.
    """
    with context.database.transaction() as session:
        product = product_to_sell(session, new_sale.product_id)
        sale = Sale(id=uuid.uuid4(), **asdict(new_sale))
        refuse_contradictions(sale, product)
        session.add(sale)
        _note_creation(session, sale, new_sale, by, model_id)
    sync_live(context, sale.id)
    tell_change(context)
    return get_sale(context, sale.id)


def get_sale(context: Context, sale_id: UUID) -> Sale:
    """Fetch a sale with its product.

    Raises:
        NoSuchSale: there is none.
    """
    with context.database.transaction() as session:
        return find_sale(session, sale_id)


def list_sales(
    context: Context,
    *,
    status: SaleStatus | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[Sale]:
    """List sales with their products, newest first, from the one after `before` (created_at, id)."""
    with context.database.transaction() as session:
        return list(asking.list_sales(session, status=status, before=before, limit=limit))


def change_sale(
    context: Context,
    sale_id: UUID,
    changes: dict[str, Any],
    *,
    expected: Expected = ANYTHING,
    by: Actor | None = None,
) -> Sale:
    """Change settings of a sale that is not over; `allocation` and `price_minor` also while it is open.

    Raises:
        NoSuchSale: there is none.
        NotFound: the requested product does not exist, or is archived.
        PreconditionFailed: the settings are not what was expected.
        BadSale: the settings contradict each other, or may not change any more.
        AllocationTooSmall: fewer units than are held, sold or decided; then nothing else is changed either.
        LineRefused: Redis accepts no writes now; nothing changed.
        LedgerUnavailable, LineUnavailable: a store is unavailable; what was begun is finished by a sweep.
    """
    refuse_unwritable(context, sale_id)
    settings = {name: value for name, value in changes.items() if name != "allocation"}
    change = Change(settings, changes.get("allocation"))
    noted = note_change(context, sale_id, change, expected, by)
    while noted.unfinished:
        for one in noted.unfinished:
            apply_adjustment(context, one)
        noted = note_change(context, sale_id, change, expected, by)
    if settings and not noted.left:
        sync_live(context, sale_id)
    if noted.adjustment_id is not None:
        _adjust(context, sale_id, noted.adjustment_id)
    if noted.left:
        note_change(context, sale_id, Change(noted.left), ANYTHING, by)
        sync_live(context, sale_id)
    return get_sale(context, sale_id)


def change_units(
    context: Context,
    sale_id: UUID,
    units: int,
    *,
    key: str = "",
    expected: Expected = ANYTHING,
    by: Actor | None = None,
) -> Sale:
    """Raise or cut a sale's allocation by so many units, whatever it is: several requests add up.

    The same key again, with the same sale and number, counts once.

    Raises:
        NoSuchSale: there is none.
        IllegalTransition: it is over.
        PreconditionFailed: the settings are not what was expected.
        BadSale: there would be too many units.
        AllocationTooSmall: fewer units than are held, sold or decided.
        IdempotencyKeyReused: the key came with another sale or number.
        LineRefused: Redis accepts no writes now; nothing changed.
        LedgerUnavailable, LineUnavailable: a store is unavailable; what was begun is finished by a sweep.
    """
    refuse_unwritable(context, sale_id)
    try:
        adjustment_id = note_units(context, sale_id, UnitsChange(units, key), expected, by)
    except IntegrityError as error:
        if KEY_TAKEN in str(error.orig):
            raise IdempotencyKeyReused("The key was used for another sale.") from error
        raise
    _adjust(context, sale_id, adjustment_id)
    return get_sale(context, sale_id)


def move_sale(
    context: Context,
    sale_id: UUID,
    requested: SaleStatus,
    *,
    only_from: SaleStatus | None = None,
    expected: Expected = ANYTHING,
    by: Actor | None = None,
) -> Sale:
    """Open, pause, resume, end or cancel a sale; `only_from` tells opening and resuming apart.

    Raises:
        NoSuchSale: there is none.
        PreconditionFailed: the settings are not what was expected.
        IllegalTransition: its status does not lead there.
        LineRefused: Redis accepts no writes now; nothing changed.
        LineDiverged: it was to be opened, and its live state has gone back in time; rebuild it first.
    """
    refuse_unwritable(context, sale_id)
    if requested == SaleStatus.OPEN:
        refuse_gone_back(context, sale_id)
    with context.database.transaction() as session:
        sale = find_sale(session, sale_id, lock=True)
        expected.require(tag_of_sale(sale))
        present = SaleStatus(sale.status)
        if requested not in SALE_TRANSITIONS[present] or only_from not in (None, present):
            raise IllegalTransition(present, requested)
        sale.status = requested
        sale.revision += 1
        is_resumed = present == SaleStatus.PAUSED and requested == SaleStatus.OPEN
        record_action(
            session, by, AdminAction.RESUMED if is_resumed else _ACTIONS[requested], SubjectKind.SALE, sale_id
        )
    log.info("sale_moved", sale_id=str(sale_id), was=present, now=requested)
    sync_live(context, sale_id)
    return get_sale(context, sale_id)


def _adjust(context: Context, sale_id: UUID, adjustment_id: UUID) -> None:
    if not apply_adjustment(context, adjustment_id):
        raise AllocationTooSmall("Fewer units than are held, sold or already decided.")
    ring_if_needed(context, sale_id)


def _note_creation(
    session: Session, sale: Sale, new_sale: NewSale, by: Actor | None, model_id: UUID | None
) -> None:
    if model_id is None:
        record_action(session, by, AdminAction.CREATED, SubjectKind.SALE, sale.id, **asdict(new_sale))
    else:
        record_action(
            session, by, AdminAction.CLONED, SubjectKind.SALE, sale.id, model_id=model_id, **asdict(new_sale)
        )
