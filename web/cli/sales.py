"""`flask sales`: runs sales from scripts. Answers are JSON on standard output."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from flask.cli import AppGroup

from models.audit import audit_sale
from models.enums import AdminAction, SaleStatus, SubjectKind
from models.tables.catalogue import Sale
from tasks.background.report_requests import find_or_make
from tasks.reports.spreadsheet import HEADER, rows_of
from tasks.runtime.admin_log import COMMAND_LINE, record_action
from tasks.sales import lifecycle as verbs
from tasks.sales.rebuilding.rebuild import rebuild_sale
from tasks.sales.view import show_sale
from web.cli.refusals import refusals
from web.http.csv import write_rows
from web.http.services import services

sales = AppGroup("sales", help="Create sales and run them.")

_SALE = click.argument("sale_id", type=click.UUID)


@sales.command("create")
@click.option("--product", "product_id", type=click.UUID, required=True)
@click.option("--allocation", type=click.IntRange(1), required=True, help="Units.")
@click.option("--price-minor", type=click.IntRange(0), required=True, help="In the currency's minor unit.")
@click.option("--currency", default="USD", show_default=True)
@click.option("--opens-at", type=click.DateTime(), help="UTC; default: now.")
@click.option("--closes-at", type=click.DateTime(), help="UTC; default: an hour after it opens.")
@click.option("--limit", "per_shopper_limit", type=click.IntRange(1), default=1, show_default=True)
@click.option("--hold-seconds", type=click.IntRange(1), default=600, show_default=True)
@click.option("--requires-verified-email", is_flag=True, help="Only who confirmed their address may enter.")
@click.option("--lobby-opens-at", type=click.DateTime(), help="UTC; default: no lobby.")
@click.option("--order", "admission_order", type=click.Choice(["fifo", "draw"]), default="fifo")
@click.option("--rate-per-second", type=click.IntRange(1), help="Decisions a second; default: no bound.")
@click.option("--max-open-holds", type=click.IntRange(1), help="Unpaid holds at once; default: no bound.")
@refusals()
def create(**asked: Any) -> None:
    """Schedule a sale."""
    opens_at = _utc(asked.pop("opens_at")) or datetime.now(UTC)
    closes_at = _utc(asked.pop("closes_at")) or opens_at + timedelta(hours=1)
    lobby_opens_at = _utc(asked.pop("lobby_opens_at"))
    wanted = verbs.NewSale(opens_at=opens_at, closes_at=closes_at, lobby_opens_at=lobby_opens_at, **asked)
    _show(verbs.create_sale(services().context, wanted, by=COMMAND_LINE))


@sales.command("open")
@_SALE
def open_sale(sale_id: uuid.UUID) -> None:
    """Open a scheduled sale now."""
    _move(sale_id, SaleStatus.OPEN, SaleStatus.SCHEDULED)


@sales.command("pause")
@_SALE
def pause(sale_id: uuid.UUID) -> None:
    """Pause an open sale; everybody keeps the place."""
    _move(sale_id, SaleStatus.PAUSED)


@sales.command("resume")
@_SALE
def resume(sale_id: uuid.UUID) -> None:
    """Go on with a paused sale."""
    _move(sale_id, SaleStatus.OPEN, SaleStatus.PAUSED)


@sales.command("end")
@_SALE
def end(sale_id: uuid.UUID) -> None:
    """End a sale."""
    _move(sale_id, SaleStatus.ENDED)


@sales.command("cancel")
@_SALE
def cancel(sale_id: uuid.UUID) -> None:
    """Cancel a sale."""
    _move(sale_id, SaleStatus.CANCELLED)


@sales.command("audit")
@_SALE
@refusals()
def audit(sale_id: uuid.UUID) -> None:
    """Check the invariants over both stores; exits 1 where one does not hold."""
    parts = services()
    found = audit_sale(parts.database, parts.live, sale_id)
    click.echo(json.dumps(found.as_message(), indent=2))
    if not found.ok:
        raise SystemExit(1)


@sales.command("report")
@_SALE
@click.option("--json", "form", flag_value="json", default=True, help="All of it (default).")
@click.option("--csv", "form", flag_value="csv", help="Its series, a row for each second.")
@refusals()
def report(sale_id: uuid.UUID, form: str) -> None:
    """Show the report of a sale, of one that runs the figures so far."""
    found = find_or_make(services().context, sale_id)
    if form == "csv":
        click.echo(write_rows([HEADER, *rows_of(found)]), nl=False)
    else:
        click.echo(json.dumps(found, indent=2))


@sales.command("retry-parked")
@_SALE
@refusals()
def retry_parked(sale_id: uuid.UUID) -> None:
    """Offer claims that were given up again, once their cause is mended."""
    context = services().context
    parked = context.live.retry_parked(sale_id)
    context.bell.ring(sale_id)
    with context.database.transaction() as session:
        record_action(session, COMMAND_LINE, AdminAction.RETRIED, SubjectKind.SALE, sale_id, claims=parked)
    click.echo(json.dumps({"sale_id": str(sale_id), "claims": parked}, indent=2))


@sales.command("rebuild")
@_SALE
@refusals()
def rebuild(sale_id: uuid.UUID) -> None:
    """Rebuild the live state from the ledger after Redis lost it.

    Undecided intents are dropped, but those of the journal in strong mode.
    """
    dropped = rebuild_sale(services().context, sale_id, by=COMMAND_LINE)
    click.echo(
        json.dumps(
            {
                "sale_id": str(sale_id),
                "undecided_intents_dropped": dropped,
                "note": "Intents that were accepted and not decided lived in Redis alone; those lost with "
                "an emptied Redis cannot be counted.",
            },
            indent=2,
        )
    )


@refusals()
def _move(sale_id: uuid.UUID, requested: SaleStatus, only_from: SaleStatus | None = None) -> None:
    _show(verbs.move_sale(services().context, sale_id, requested, only_from=only_from, by=COMMAND_LINE))


def _show(sale: Sale) -> None:
    click.echo(json.dumps(show_sale(services().context, sale), indent=2))


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at else None
