"""Checks a requested change of a sale's settings and writes it down, by the row as it is under its lock.

What the live side has to do or to learn of it follows after the commit, and is not done here.
"""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from models.enums import AdminAction, SubjectKind
from models.errors import BadSale
from models.queries.products import product_to_sell
from models.queries.sales import find_sale
from models.tables.catalogue import MAX_ALLOCATION, Product, Sale
from tasks.context import Context
from tasks.runtime.admin_log import Actor, record_action
from tasks.runtime.revisions import Expected, tag_of_sale
from tasks.sales.adjustments import known_adjustment, note_adjustment, unfinished_adjustments
from tasks.sales.rules import refuse_contradictions, refuse_frozen


@dataclass(frozen=True, slots=True)
class Change:
    """The requested settings; an allocation is changed by an adjustment."""

    settings: dict[str, Any]
    allocation: int | None = None


@dataclass(frozen=True, slots=True)
class UnitsChange:
    """A change by so many units; the key makes a repetition count once."""

    units: int
    key: str = ""


@dataclass(frozen=True, slots=True)
class Noted:
    """What became of a requested change: adjustments to finish first, its own, and settings for later."""

    unfinished: list[UUID] = field(default_factory=list)
    adjustment_id: UUID | None = None
    left: dict[str, Any] = field(default_factory=dict)


def note_change(
    context: Context, sale_id: UUID, change: Change, expected: Expected, by: Actor | None
) -> Noted:
    """Check a change against the locked row, and write it.

    A requested allocation is compared with what will be there once pending adjustments are finished: else
    a cut that is requested again, or by two at once, would be made twice. So if adjustments are
    pending, nothing is written and they are returned instead, to be finished first.

    Redis may still refuse a cut. So it is made alone, and the settings are changed after it.
    """
    with context.database.transaction() as session:
        sale = find_sale(session, sale_id, lock=True)
        expected.require(tag_of_sale(sale))
        refuse_frozen(sale, change.settings, change.allocation)
        if change.allocation is not None and (unfinished := unfinished_adjustments(session, sale_id)):
            return Noted(unfinished)
        units = 0 if change.allocation is None else change.allocation - sale.allocation
        before = _set(session, sale, change.settings)
        left: dict[str, Any] = {}
        if units < 0 and change.settings:
            left = change.settings
            for name, value in before.items():
                setattr(sale, name, value)
        told = {
            name: (was, change.settings[name])
            for name, was in before.items()
            if not left and was != change.settings[name]
        }
        if change.allocation is not None:
            told["allocation"] = (sale.allocation, change.allocation)
        record_action(session, by, AdminAction.CHANGED, SubjectKind.SALE, sale_id, **told)
        if change.settings and not left:
            sale.revision += 1
        if units == 0:
            return Noted()
        noted = note_adjustment(session, sale, units, by.user_id if by else None)
        return Noted(adjustment_id=noted, left=left)


def _set(session: Session, sale: Sale, settings: dict[str, Any]) -> dict[str, Any]:
    """Apply the settings, and check them against each other; returns the former values.

    Raises:
        NotFound: the requested product does not exist, or is archived.
        BadSale: the settings contradict each other.
    """
    product: Product | None = None
    if any(
        settings.get(name, getattr(sale, name)) != getattr(sale, name) for name in ("product_id", "currency")
    ):
        product = product_to_sell(session, settings.get("product_id", sale.product_id))
    before = {name: getattr(sale, name) for name in settings}
    for name, value in settings.items():
        setattr(sale, name, value)
    refuse_contradictions(sale, product)
    return before


def note_units(
    context: Context, sale_id: UUID, change: UnitsChange, expected: Expected, by: Actor | None
) -> UUID:
    """Enter a change by so many units; returns the adjustment, existing or new.

    Raises:
        IntegrityError: the key came for another sale at the same time.
    """
    units, key = change.units, change.key
    who = by.user_id if by else None
    with context.database.transaction() as session:
        sale = find_sale(session, sale_id, lock=True)
        if (known := known_adjustment(session, sale_id, units, who, key)) is not None:
            return known
        expected.require(tag_of_sale(sale))
        refuse_frozen(sale, {}, units)
        if sale.allocation + units > MAX_ALLOCATION:
            raise BadSale(
                "change", f"There can be {MAX_ALLOCATION} units at most; there are {sale.allocation}."
            )
        told = (sale.allocation, sale.allocation + units)
        noted = note_adjustment(session, sale, units, who, key)
        record_action(session, by, AdminAction.CHANGED, SubjectKind.SALE, sale_id, allocation=told)
        return noted
