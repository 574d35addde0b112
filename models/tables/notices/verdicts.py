"""Table of verdicts that may have to be told to people who were not there."""

import uuid
from datetime import datetime

from sqlalchemy import ARRAY, Index, Uuid, func
from sqlalchemy.orm import Mapped, mapped_column

from models.enums import MailKind
from models.tables.base import Base, Word, is_one_of


class VerdictNotice(Base):
    """Some intents of one claim, of whose verdict a kind of mail may tell; written with the verdicts.

    A claim has a few such rows, however many verdicts. `due_at` is when it is looked at who did not hear of
    theirs, or when their hold ends soon; while somebody looks, when that lease ends. The row goes with the
    transaction that enters the mails.
    """

    __tablename__ = "verdict_notices"
    __table_args__ = (is_one_of("kind", MailKind), Index("ix_verdict_notices_due_at", "due_at"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    kind: Mapped[str] = mapped_column(Word)
    sale_id: Mapped[uuid.UUID]
    intent_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid()))
    attempts: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    due_at: Mapped[datetime]
