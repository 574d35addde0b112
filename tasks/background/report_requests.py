"""Finds a sale's report: a stored one that still holds is shown, else a new one is made, at once or later.

Reports of finished sales are made automatically. Nothing relies on that: every reader checks whether what is
stored still holds, and has it made again if not.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from models.messages import Message
from models.queries.background_tasks import waiting_task
from models.queries.reports import decided_tickets, sales_to_report
from models.report import SourceFingerprint, read_fingerprint
from models.tables.background import BackgroundTask
from models.tables.reports import SaleReport
from tasks.background.queue import ask_for
from tasks.context import Context
from tasks.reports.making import REPORT, keep_report, make_report, tell

AT_ONCE: Final = 20_000  # tickets: up to this size a report is made while the caller waits
GOOD_FOR: Final = timedelta(seconds=30)  # a report of a sale that still moves, where a new one takes long
MOST_ASKED: Final = 20  # at a time, automatically
FAILED_REST: Final = timedelta(minutes=10)  # before one that failed is requested again automatically


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known about a sale's report before one is made."""

    fingerprint: SourceFingerprint
    tickets: int
    stored: SaleReport | None
    now: datetime

    @property
    def is_true(self) -> bool:
        """Whether the stored report is as good as a new one."""
        stored = self.stored
        return stored is not None and stored.is_final and stored.mark == self.fingerprint.as_message()

    @property
    def is_young(self) -> bool:
        """Whether it is recent enough for a sale that still moves."""
        stored = self.stored
        return (
            stored is not None
            and not self.fingerprint.is_settled
            and abs(self.now - stored.made_at) < GOOD_FOR
        )

    def tell(self) -> Message:
        """Return the stored report.

        Raises:
            ValueError: there is none.
        """
        if self.stored is None:
            raise ValueError("No report is kept.")
        return tell(self.stored.content, is_final=self.stored.is_final, made_at=self.stored.made_at)


def find_report(context: Context, sale_id: UUID, *, by: UUID | None = None) -> Message | BackgroundTask:
    """Find a sale's report; if making it takes long, the task that makes it."""
    kept = _look(context, sale_id)
    if kept.is_true:
        return kept.tell()
    if kept.tickets <= AT_ONCE:
        return report_now(context, sale_id)
    return kept.tell() if kept.is_young else ask_for_report(context, sale_id, by=by)


def report_now(context: Context, sale_id: UUID) -> Message:
    """Make a sale's report while the caller waits; a final one is stored."""
    report = make_report(context, sale_id)
    if report.is_final:
        keep_report(context, sale_id, report)
    return report.as_message()


def find_or_make(context: Context, sale_id: UUID) -> Message:
    """Find a sale's report, or make it however long that takes; for the command line."""
    kept = _look(context, sale_id)
    return kept.tell() if kept.is_true else report_now(context, sale_id)


def ask_for_report(context: Context, sale_id: UUID, *, by: UUID | None = None) -> BackgroundTask:
    """Have a report made, unless that was requested already; returns the task."""
    with context.database.transaction() as session:
        read_fingerprint(session, sale_id)
        task = waiting_task(session, REPORT, sale_id)
    return task or ask_for(context, REPORT, sale_id=sale_id, by=by)


def ask_for_due_reports(context: Context) -> int:
    """Have reports made of sales that finished, or whose number of sold units has changed since."""
    with context.database.transaction() as session:
        due = sales_to_report(session, REPORT, FAILED_REST, MOST_ASKED)
    for sale_id in due:
        ask_for_report(context, sale_id)
    return len(due)


def _look(context: Context, sale_id: UUID) -> Kept:
    with context.database.transaction() as session:
        fingerprint = read_fingerprint(session, sale_id)
        tickets, now = decided_tickets(session, sale_id)
        return Kept(fingerprint, tickets, session.get(SaleReport, sale_id), now)
