"""The page of the admins' log: who did what to what, each subject by its name and linked."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from flask import Blueprint, render_template

from models.enums import AdminAction, SubjectKind
from models.messages import Message
from models.queries.admin_log import name_subjects
from web.api.admin.log import LogQuery, read_log
from web.control_room.reading import admins
from web.http.services import services
from web.shop.list_query import asked_by
from web.staff.guard import needs

blueprint: Final = Blueprint("log", __name__, url_prefix="/log")

_QUERY: Final = LogQuery()
_PATHS: Final = {
    SubjectKind.SALE: "/admin/sales/{}",
    SubjectKind.PRODUCT: "/admin/products/{}/edit",
    SubjectKind.ORDER: "/admin/orders/{}",
    SubjectKind.SHOPPER: "/admin/shoppers/{}",
    SubjectKind.TASK: "/admin/tasks/{}",
    SubjectKind.KEY: "/admin/keys#{}",
}


class Subject(NamedTuple):
    """What something was done to: its name or the end of its id, its currency, and its page if it has one."""

    name: str
    currency: str
    path: str


class Log(NamedTuple):
    """Entries, and their subjects by kind and id."""

    entries: Sequence[Message]
    subjects: Mapping[tuple[str, str], Subject]
    next_cursor: str | None


@blueprint.get("")
@needs("log.read")
def log() -> str:
    """What admins did, newest first."""
    asked = asked_by(_QUERY)
    return render_template(
        "admin/log.html",
        log=_read(asked),
        asked=asked,
        actions=[action.value for action in AdminAction],
        admins=admins(services().context),
    )


def entries_about(subject_id: UUID) -> Log:
    """Read what was done last to one subject."""
    return _read(_QUERY.load({"subject_id": str(subject_id)}))


def _read(asked: dict[str, Any]) -> Log:
    found = read_log(asked)
    with services().database.transaction() as session:
        subjects = {
            (kind.value, subject_id): subject
            for kind, ids in _spoken_of(found.items).items()
            for subject_id, subject in _of_kind(kind, ids, name_subjects(session, kind, ids)).items()
        }
    return Log(found.items, subjects, found.next_cursor)


def _spoken_of(entries: Sequence[Message]) -> dict[SubjectKind, list[UUID]]:
    """List the subjects of the entries, by kind."""
    spoken = {(one["subject_kind"], one["subject_id"]) for one in entries}
    for one in entries:
        spoken |= {(kind, said) for kind, said in _named_in(one["details"]) if said}
    by_kind = {kind: [UUID(said) for of, said in spoken if of == kind] for kind in SubjectKind}
    return {kind: ids for kind, ids in by_kind.items() if ids}


def _named_in(details: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """List the sales and products that an entry's details name."""
    found = []
    for name, kind in (("model_id", SubjectKind.SALE), ("product_id", SubjectKind.PRODUCT)):
        said = details.get(name)
        found += [(str(kind), one) for one in (said if isinstance(said, list) else [said])]
    return found


def _of_kind(
    kind: SubjectKind, ids: Sequence[UUID], named: Iterable[tuple[UUID, str, str, bool]]
) -> dict[str, Subject]:
    found = {str(one): Subject(str(one)[-8:], "", _PATHS[kind].format(one)) for one in ids}
    for subject_id, name, currency, has_page in named:
        path = _PATHS[kind].format(subject_id) if has_page else ""
        found[str(subject_id)] = Subject(name, currency, path)
    return found
