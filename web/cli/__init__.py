"""The command line, `flask --app web …`: commands for admins and for releases."""

from flask import Flask

from web.cli.ledger import ledger
from web.cli.push import push
from web.cli.release import release
from web.cli.sales import sales
from web.cli.staff import users


def register_commands(app: Flask) -> None:
    """Hang every command on the app."""
    app.cli.add_command(users)
    app.cli.add_command(sales)
    app.cli.add_command(ledger)
    app.cli.add_command(push)
    app.cli.add_command(release)
