"""`flask release`: what has to be done between deploying new code and serving with it."""

import click
from flask.cli import with_appcontext

from models.migrate import is_newer, upgrade
from models.queries.sales import is_catalogue_empty
from tasks.accounts.second_factor import seal_again
from tasks.sales.demo import seed_demo
from web.cli.users import ensure_admin
from web.http.services import services


@click.command("release", help="Migrate, make sure of the admin, and fill an empty database with a demo.")
@with_appcontext
def release() -> None:
    """Do everything that a release needs; doing it again changes nothing."""
    parts = services()
    upgrade(parts.database)
    with parts.database.connection() as connection:
        is_old = is_newer(connection)
    click.echo("The schema is a newer release's, and stays." if is_old else "The schema is current.")
    settings = parts.settings
    if settings.admin_password:
        ensure_admin(parts, email=settings.admin_email, password=settings.admin_password)
        click.echo(f"The admin is {settings.admin_email}.")
    if sealed := seal_again(parts.context):
        click.echo(f"Secrets of second factors that are sealed by today's key: {sealed}.")
    with parts.database.transaction() as session:
        is_empty = is_catalogue_empty(session)
    if is_empty:
        sale = seed_demo(parts.context)
        click.echo(f"The demo sale is {sale.id}.")
