"""`flask users`: creates an admin, or a crowd of shoppers for load generators."""

import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
from click.core import ParameterSource
from flask.cli import AppGroup
from marshmallow import ValidationError

from config import why_weak_password
from models.enums import Role, StaffRole
from models.queries.accounts import user_of_email
from tasks.accounts.registration import add_crowd
from tasks.accounts.second_factor import reset
from tasks.runtime.admin_log import COMMAND_LINE
from tasks.staff.members import add_admin, make_admin
from web.api.schemas.accounts import RegisterSchema
from web.auth.accounts import sign_out_everywhere
from web.auth.issue import issue_access
from web.cli.refusals import refusals
from web.http.services import MAX_CROWD_TTL_S, Services, services

MAX_CROWD: Final = 1_000_000

users = AppGroup("users", help="Accounts.")


def _refuse_on_the_command_line(
    context: click.Context, parameter: click.Parameter, password: str | None
) -> str | None:
    """What stands on a command line is seen by everybody on the machine, and kept in the shell's history."""
    if context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE:
        raise click.UsageError("No password on the command line: leave it out, and it is asked for.")
    return password


def _ask_for_password() -> str:
    if sys.stdin.isatty():
        asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        return asked
    return sys.stdin.readline().rstrip("\r\n")


@users.command("create-admin")
@click.option("--email", required=True)
@click.option("--password", hidden=True, envvar="ADMIN_PASSWORD", callback=_refuse_on_the_command_line)
@click.option("--role", type=click.Choice([role.value for role in StaffRole]), help="Default: owner.")
def create_admin(email: str, password: str | None, role: str | None) -> None:
    """Make an admin, or make the account with this e-mail one and give it a password.

    The password is ADMIN_PASSWORD where that is set; else it is asked for, or read as a line from a pipe.
    """
    staff_role = StaffRole(role) if role else None
    done = ensure_admin(
        services(), email=email, password=password or _ask_for_password(), staff_role=staff_role
    )
    click.echo(f"{done.capitalize()} the admin {email}.")


@users.command("crowd")
@click.option("--count", type=click.IntRange(1, MAX_CROWD), required=True)
@click.option("--tokens", "path", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.option("--ttl", "ttl_s", type=click.IntRange(1, MAX_CROWD_TTL_S), default=3600, show_default=True)
def crowd(count: int, path: Path, ttl_s: int) -> None:
    """Make COUNT shoppers with access tokens, written to TOKENS as `user_id token` lines (mode 0600)."""
    parts = services()
    if parts.settings.is_production:
        raise click.ClickException("A crowd is not for production: its accounts have no passwords.")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        os.fchmod(file.fileno(), 0o600)
        for user_id, token in make_crowd(parts, count, ttl_s):
            file.write(f"{user_id} {token}\n")
    click.echo(f"{count} shoppers; their tokens are in {path}.")


@users.command("reset-second-factor")
@click.argument("email")
@refusals()
def reset_second_factor(email: str) -> None:
    """Take the second factor of EMAIL's account away, as when the last owner has lost the phone."""
    parts = services()
    with parts.database.transaction() as session:
        user = user_of_email(session, email.strip().lower())
    if user is None:
        raise click.ClickException(f"No account has the e-mail {email}.")
    ended = reset(parts.context, user.id, by=COMMAND_LINE)
    click.echo(f"{email} logs in by password alone; log-ins that this ended: {len(ended)}.")


def ensure_admin(parts: Services, *, email: str, password: str, staff_role: StaffRole | None = None) -> str:
    """Make sure that an admin signs in with this password; says `created`, `updated` or `kept`.

    Old log-ins of an account that is changed end; of one that is kept they go on. Without a role, one that is
    kept keeps its own, and any other becomes an owner.

    Raises:
        click.ClickException: they cannot be an account's, or the password is too weak for production.
    """
    settings = parts.settings
    is_strict = settings.is_production and "weak_admin_password" not in settings.production_allows
    if is_strict and (why := why_weak_password(password, email)):
        raise click.ClickException(f"The password is too weak for an admin: {why}.")
    try:
        asked = RegisterSchema().load({"email": email, "password": password})
    except ValidationError as error:
        raise click.ClickException(f"Not an account: {error.messages}") from error
    with parts.database.transaction() as session:
        known = user_of_email(session, asked["email"])
    if (
        known is not None
        and known.role == Role.ADMIN
        and staff_role in {None, known.staff_role}
        and parts.passwords.verify(known.password_hash, password)
    ):
        return "kept"
    hashed, staff_role = parts.passwords.hash(password), staff_role or StaffRole.OWNER
    if known is None:
        add_admin(parts.context, email=asked["email"], password_hash=hashed, staff_role=staff_role)
        return "created"
    with refusals():
        make_admin(parts.context, known.id, password_hash=hashed, staff_role=staff_role)
    sign_out_everywhere(parts, known.id)
    return "updated"


def make_crowd(parts: Services, count: int, ttl_s: int) -> Iterator[tuple[uuid.UUID, str]]:
    """Insert shoppers in bulk, without passwords, and yield each with an access token once it is stored."""
    for user_id, family in add_crowd(parts.context, count, ttl_s):
        yield user_id, issue_access(user_id, Role.SHOPPER, family, is_verified=True, ttl_s=ttl_s)
