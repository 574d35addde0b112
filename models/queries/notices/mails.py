"""Queries on mails: an admin's list."""

from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from models.errors import NotFound
from models.tables.mails import Mail


def find_mail(session: Session, mail_id: UUID) -> Mail:
    """Find a mail.

    Raises:
        NotFound: there is none.
    """
    mail = session.get(Mail, mail_id)
    if mail is None:
        raise NotFound("No mail has this id.")
    return mail


def listed_mails(*, kind: str | None, status: str | None, address: str) -> Select[Mail]:
    """Select mails for paging: of a kind, with a status, to whom a part of the address is given."""
    query = select(Mail)
    if kind is not None:
        query = query.where(Mail.kind == kind)
    if status is not None:
        query = query.where(Mail.status == status)
    return query.where(Mail.to_email.icontains(address, autoescape=True)) if address else query
