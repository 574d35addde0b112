"""`flask ledger`: commands about the ledger as a whole."""

import json

import click
from flask.cli import AppGroup

from models.errors import FlashSaleError
from web.http.services import services

ledger = AppGroup("ledger", help="Look after the ledger as a whole.")


@ledger.command("adopt-redis")
@click.confirmation_option(prompt="Has no other deployment any business with this Redis?")
def adopt_redis() -> None:
    """Have the live Redis belong to this ledger, after another one used it."""
    ownership = services().context.ownership
    try:
        ownership.adopt()
        found = ownership.of_ledger()
    except FlashSaleError as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps({"ledger": str(found)}))
