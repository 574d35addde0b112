"""Owns `flask release`: what stands between new code and serving with it."""

import click
from flask.cli import with_appcontext
from sqlalchemy import exists, select

from models.migrate import upgrade
from models.tables.catalogue import Product, Sale
from tasks.sales.demo import seed_demo
from web.cli.users import ensure_admin
from web.http.services import Services, services


@click.command("release", help="Migrate, make sure of the admin, and fill an empty database with a demo.")
@with_appcontext
def release() -> None:
    """Do everything that a release needs; doing it again changes nothing."""
    parts = services()
    upgrade(parts.database)
    click.echo("The schema is current.")
    settings = parts.settings
    if settings.admin_password:
        ensure_admin(parts, email=settings.admin_email, password=settings.admin_password)
        click.echo(f"The admin is {settings.admin_email}.")
    if _is_empty(parts):
        sale = seed_demo(parts.context)
        click.echo(f"The demo sale is {sale.id}.")


def _is_empty(parts: Services) -> bool:
    anything = exists().where(Product.id.is_not(None)) | exists().where(Sale.id.is_not(None))
    with parts.database.transaction() as session:
        return not session.scalar(select(anything))
