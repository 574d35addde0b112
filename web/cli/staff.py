"""`flask users list-staff`, `set-role` and `remove-staff`: the staff, from the command line."""

import uuid

import click

from models.enums import StaffRole
from models.queries.accounts import staff as read_all
from models.queries.accounts import user_of_email
from tasks.runtime.admin_log import COMMAND_LINE
from tasks.staff import members as staff
from web.cli.refusals import refusals
from web.cli.users import users

__all__ = ["users"]
from web.http.services import services

ROLE = click.Choice([role.value for role in StaffRole])


@users.command("list-staff")
def list_staff() -> None:
    """List the staff: role and e-mail, owners first."""
    with services().database.transaction() as session:
        for user, _ in read_all(session):
            click.echo(f"{user.staff_role:<9} {user.email}")


@users.command("set-role")
@click.option("--email", required=True)
@click.option("--role", type=ROLE, required=True)
@refusals()
def set_role(email: str, role: str) -> None:
    """Give somebody of the staff another role, which ends their log-ins."""
    staff.change_role(services().context, _id_of(email), StaffRole(role), by=COMMAND_LINE)
    click.echo(f"{email} is {role} now.")


@users.command("remove-staff")
@click.option("--email", required=True)
@refusals()
def remove_staff(email: str) -> None:
    """Make somebody of the staff a shopper, which ends their log-ins."""
    staff.remove(services().context, _id_of(email), by=COMMAND_LINE)
    click.echo(f"{email} is a shopper now.")


def _id_of(email: str) -> uuid.UUID:
    with services().database.transaction() as session:
        user = user_of_email(session, email.strip().lower())
    if user is None:
        raise click.ClickException(f"No account has the address {email}.")
    return user.id
