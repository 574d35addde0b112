"""`flask ledger`: commands about the ledger as a whole."""

import json
import time
from typing import Final

import click
from flask.cli import AppGroup

from models.audit import audit_sale
from models.database import Database
from models.errors import FlashSaleError
from models.migrate import is_current
from models.queries.sales import every_sale, sales_with_a_line
from tasks.runtime.admin_log import COMMAND_LINE
from tasks.sales.rebuilding.rebuild import rebuild_sale
from web.cli.refusals import refusals
from web.http.services import services

POLL_S: Final = 1.0

ledger = AppGroup("ledger", help="Look after the ledger as a whole.")


@ledger.command("adopt-redis")
@click.confirmation_option(prompt="Has no other deployment any business with this Redis?")
@refusals()
def adopt_redis() -> None:
    """Have the live Redis belong to this ledger, after another one used it."""
    ownership = services().context.ownership
    ownership.adopt()
    click.echo(json.dumps({"ledger": str(ownership.of_ledger())}))


@ledger.command("await-schema")
@click.option(
    "--seconds", type=click.IntRange(0), default=300, show_default=True, help="For so long at most."
)
def await_schema(seconds: int) -> None:
    """Wait until a release has migrated the ledger; exits 1 if none does."""
    database, until = services().database, time.monotonic() + seconds
    while not _is_migrated(database):
        if time.monotonic() > until:
            raise click.ClickException("The ledger is not migrated: run «flask --app web release».")
        time.sleep(POLL_S)
    click.echo("The schema is current.")


def _is_migrated(database: Database) -> bool:
    try:
        with database.connection() as connection:
            return is_current(connection)
    except FlashSaleError:
        return False


@ledger.command("rebuild-sales")
@refusals()
def rebuild_sales() -> None:
    """Rebuild the live state of every sale that has one, as after a restore; a line of JSON each.

    Stop all processes first: each sale goes on at once as the ledger has it, open ones included.
    """
    context = services().context
    with context.database.transaction() as session:
        found = sales_with_a_line(session)
    for sale_id in found:
        dropped = rebuild_sale(context, sale_id, by=COMMAND_LINE)
        click.echo(json.dumps({"sale_id": str(sale_id), "undecided_intents_dropped": dropped}))


@ledger.command("audit-sales")
@refusals()
def audit_sales() -> None:
    """Audit every sale, past ones too; a line of JSON each. Exits 1 where an invariant does not hold."""
    parts = services()
    is_well = True
    with parts.database.transaction() as session:
        found = every_sale(session)
    for sale_id in found:
        audit = audit_sale(parts.database, parts.live, sale_id)
        is_well = is_well and audit.ok
        broken = [check.name for check in audit.checks if not check.ok]
        told = {"sale_id": str(sale_id), "ok": audit.ok, "in_flight": audit.in_flight, "broken": broken}
        click.echo(json.dumps(told))
    if not is_well:
        raise SystemExit(1)
