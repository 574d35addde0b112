"""Writes and reads the admins' log: an action and its entry are one transaction."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from models.enums import AdminAction, SubjectKind
from models.messages import Message, rfc3339
from models.tables.admin_log import AdminLogEntry


@dataclass(frozen=True, slots=True)
class Actor:
    """An admin who acts; without an id it is the command line, whose user this platform cannot know.

    With a key it is a program, in the name of who made the key.
    """

    user_id: UUID | None
    key_id: UUID | None = None


COMMAND_LINE: Final = Actor(None)


def record_action(
    session: Session,
    by: Actor | None,
    action: AdminAction,
    kind: SubjectKind,
    subject_id: UUID,
    /,
    **details: Any,
) -> None:
    """Log who did what, inside the transaction that does it; the platform's own actions are not logged."""
    if by is None:
        return
    session.add(
        AdminLogEntry(
            actor_id=by.user_id,
            key_id=by.key_id,
            deed=action,
            subject_kind=kind,
            subject_id=subject_id,
            details={name: plain(value) for name, value in details.items()},
        )
    )


def show_entry(row: Row[AdminLogEntry, str, str]) -> Message:
    """Describe an entry."""
    entry, email, key_name = row
    actor = {"id": str(entry.actor_id), "email": email} if entry.actor_id else None
    return {
        "id": entry.id,
        "at": rfc3339(entry.at),
        "actor": actor,
        "key": {"id": str(entry.key_id), "name": key_name} if entry.key_id else None,
        "deed": entry.deed,
        "subject_kind": entry.subject_kind,
        "subject_id": str(entry.subject_id),
        "details": entry.details,
    }


def plain(value: Any) -> Any:
    """Write a value as JSON has it; a pair is what was before and what is now."""
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    return [plain(one) for one in value] if isinstance(value, tuple | list) else value
