"""Queries on the admins' log: its entries, and the names of their subjects."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import Row, Select, literal, select, true
from sqlalchemy.orm import Session

from models.enums import SubjectKind
from models.tables.accounts import ApiKey, User
from models.tables.admin_log import AdminLogEntry
from models.tables.catalogue import Product, Sale

# id, name, currency, whether it has a page
_NAMES: Final[dict[SubjectKind, Select[UUID, str, str, bool]]] = {
    SubjectKind.SALE: select(Sale.id, Product.name, Sale.currency, true()).join(
        Product, Product.id == Sale.product_id
    ),
    SubjectKind.PRODUCT: select(Product.id, Product.name, Product.currency, Product.archived_at.is_(None)),
    SubjectKind.KEY: select(ApiKey.id, ApiKey.name, literal(""), true()),
    SubjectKind.SHOPPER: select(User.id, User.email, literal(""), true()),
}


def read_entries(
    session: Session,
    *,
    subject_id: UUID | None = None,
    actor_id: UUID | None = None,
    deed: str | None = None,
    subject_kind: str | None = None,
    before: int | None = None,
    limit: int,
) -> Sequence[Row[AdminLogEntry, str, str]]:
    """List entries with their actors' e-mails and their keys' names, newest first.

    All or as narrowed, below the id `before`.
    """
    query: Select[AdminLogEntry, str, str] = (
        select(AdminLogEntry, User.email, ApiKey.name)
        .outerjoin(User, User.id == AdminLogEntry.actor_id)
        .outerjoin(ApiKey, ApiKey.id == AdminLogEntry.key_id)
    )
    for column, wanted in (
        (AdminLogEntry.subject_id, subject_id),
        (AdminLogEntry.actor_id, actor_id),
        (AdminLogEntry.deed, deed),
        (AdminLogEntry.subject_kind, subject_kind),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if before is not None:
        query = query.where(AdminLogEntry.id < before)
    return session.execute(query.order_by(AdminLogEntry.id.desc()).limit(limit)).all()


def name_subjects(
    session: Session, kind: SubjectKind, ids: Collection[UUID]
) -> Sequence[Row[UUID, str, str, bool]]:
    """Name things of one kind that has names: id, name, currency if any, and whether there is a page."""
    if kind not in _NAMES:
        return []
    key = _NAMES[kind].selected_columns[0]
    return session.execute(_NAMES[kind].where(key.in_(ids))).all()
