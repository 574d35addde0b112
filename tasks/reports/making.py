"""Makes a sale's report, and stores the newest one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from models.audit import audit_sale
from models.database import read_as_one, take_time
from models.driver import LONG
from models.errors import NoSuchSale
from models.messages import Message, rfc3339
from models.report import SourceFingerprint, make_content, read_fingerprint
from models.tables.background import BackgroundTask
from models.tables.reports import SaleReport
from tasks.context import Context

REPORT: Final = "report"  # the kind of the background task


@dataclass(frozen=True, slots=True)
class Report:
    """A report's content, the state it was made from, and when. It is final once the sale is settled."""

    fingerprint: SourceFingerprint
    content: Message
    made_at: datetime

    @property
    def is_final(self) -> bool:
        """Whether nothing of the sale was still moving."""
        return self.fingerprint.is_settled

    def as_message(self) -> Message:
        """Return it as the API shows it."""
        return tell(self.content, is_final=self.is_final, made_at=self.made_at)


def tell(content: Message, *, is_final: bool, made_at: datetime) -> Message:
    """Describe a report as the API does."""
    return {"is_final": is_final, "made_at": rfc3339(made_at), **content}


def run_report(context: Context, task: BackgroundTask) -> dict[str, Any]:
    """Make the report of a task's sale and store it; the result says where it is.

    Raises:
        NoSuchSale: the task names none.
        LineUnavailable, LedgerUnavailable: a store is unavailable; the task is tried again.
    """
    if task.sale_id is None:
        raise NoSuchSale("A report names a sale.")
    report = make_report(context, task.sale_id)
    keep_report(context, task.sale_id, report)
    return {
        "sale_id": str(task.sale_id),
        "is_final": report.is_final,
        "made_at": rfc3339(report.made_at),
    }


def make_report(context: Context, sale_id: UUID) -> Report:
    """Compute the report of a sale as it is now. Changes nothing."""
    audit = audit_sale(context.database, context.live, sale_id)
    last_ticket = context.live.look(sale_id).number("last_ticket")
    with context.reading(in_step=True) as session:
        read_as_one(session)
        take_time(session, LONG)
        return Report(
            fingerprint=read_fingerprint(session, sale_id),
            content=make_content(session, sale_id, audit, last_ticket=last_ticket),
            made_at=session.scalars(select(func.now())).one(),
        )


def keep_report(context: Context, sale_id: UUID, report: Report) -> None:
    """Store a report in place of an older one."""
    kept = {
        "is_final": report.is_final,
        "mark": report.fingerprint.as_message(),
        "sold": report.fingerprint.sold,
        "content": report.content,
        "made_at": report.made_at,
    }
    keeping = insert(SaleReport).values(sale_id=sale_id, **kept)
    newer = keeping.on_conflict_do_update(
        index_elements=[SaleReport.sale_id], set_=kept, where=SaleReport.made_at <= keeping.excluded.made_at
    )
    with context.database.transaction() as session:
        session.execute(newer)
