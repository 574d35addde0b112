"""The page of the admins' log: who did what to what, each subject by its name and linked."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from flask import Blueprint, render_template
from sqlalchemy import Select, literal, select, true
from sqlalchemy.orm import Session

from models.enums import Deed, SubjectKind
from models.messages import Message
from models.tables.accounts import User
from models.tables.catalogue import Product, Sale
from web.api.admin.log import LogQuery, read_log
from web.control_room.reading import admins
from web.http.services import services
from web.shop.asking import asked_by

blueprint: Final = Blueprint("log", __name__, url_prefix="/log")

_QUERY: Final = LogQuery()
_PATHS: Final = {
    SubjectKind.SALE: "/admin/sales/{}",
    SubjectKind.PRODUCT: "/admin/products/{}/edit",
    SubjectKind.ORDER: "/admin/orders/{}",
    SubjectKind.SHOPPER: "/admin/shoppers/{}",
    SubjectKind.TASK: "/admin/tasks/{}",
}
_NAMES: Final[
    dict[SubjectKind, Select[UUID, str, str, bool]]
] = {  # id, name, currency, whether there is a page
    SubjectKind.SALE: select(Sale.id, Product.name, Sale.currency, true()).join(
        Product, Product.id == Sale.product_id
    ),
    SubjectKind.PRODUCT: select(Product.id, Product.name, Product.currency, Product.archived_at.is_(None)),
    SubjectKind.SHOPPER: select(User.id, User.email, literal(""), true()),
}


class Subject(NamedTuple):
    """What something was done to: its name or the end of its id, its currency, and its page if it has one."""

    name: str
    currency: str
    path: str


class Log(NamedTuple):
    """Entries, and what they speak of by kind and id."""

    entries: Sequence[Message]
    subjects: Mapping[tuple[str, str], Subject]
    next_cursor: str | None


@blueprint.get("")
def log() -> str:
    """What admins did, newest first."""
    asked = asked_by(_QUERY)
    return render_template(
        "admin/log.html",
        log=_read(asked),
        asked=asked,
        actions=[action.value for action in Deed],
        admins=admins(services().context),
    )


def entries_about(subject_id: UUID) -> Log:
    """Read what was done last to one subject."""
    return _read(_QUERY.load({"subject_id": str(subject_id)}))


def _read(asked: dict[str, Any]) -> Log:
    found = read_log(asked)
    with services().database.transaction() as session:
        return Log(found.items, _subjects_of(session, found.items), found.next_cursor)


def _subjects_of(session: Session, entries: Sequence[Message]) -> dict[tuple[str, str], Subject]:
    """Name all that the entries speak of, with a query a kind."""
    spoken = {(one["subject_kind"], one["subject_id"]) for one in entries}
    for one in entries:
        spoken |= {(kind, said) for kind, said in _named_in(one["details"]) if said}
    return {
        (kind, subject_id): subject
        for kind in SubjectKind
        if (ids := [subject_id for of, subject_id in spoken if of == kind])
        for subject_id, subject in _of_kind(session, kind, ids).items()
    }


def _named_in(details: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """List the sales and products that an entry's details name."""
    found = []
    for name, kind in (("model_id", SubjectKind.SALE), ("product_id", SubjectKind.PRODUCT)):
        said = details.get(name)
        found += [(str(kind), one) for one in (said if isinstance(said, list) else [said])]
    return found


def _of_kind(session: Session, kind: SubjectKind, ids: Sequence[str]) -> dict[str, Subject]:
    found = {one: Subject(one[-8:], "", _PATHS[kind].format(one)) for one in ids}
    if kind in _NAMES:
        key = _NAMES[kind].selected_columns[0]
        rows = session.execute(_NAMES[kind].where(key.in_(map(UUID, ids))))
        for subject_id, name, currency, has_page in rows:
            path = _PATHS[kind].format(subject_id) if has_page else ""
            found[str(subject_id)] = Subject(name, currency, path)
    return found
