"""Owns `flask users …`: making an admin, and a crowd for load generators."""

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
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.orm import Session

from config import why_weak_password
from models.database import take_time
from models.driver import LONG
from models.enums import Role
from models.tables.accounts import User
from web.api.schemas.accounts import RegisterSchema
from web.auth.accounts import sign_out_everywhere
from web.auth.issue import issue_access
from web.http.services import MAX_CROWD_TTL_S, Services, services

BATCH: Final = 10_000  # rows a statement
MAX_CROWD: Final = 1_000_000

_INSERT_USERS: Final = text(
    "INSERT INTO users (id, email, name)"
    " SELECT unnest(CAST(:ids AS uuid[])), unnest(CAST(:emails AS text[])), 'crowd'"
)
_INSERT_FAMILIES: Final = text(
    "INSERT INTO token_families (id, user_id, newest_jti, expires_at)"
    " SELECT unnest(CAST(:families AS uuid[])), unnest(CAST(:ids AS uuid[])), gen_random_uuid(),"
    " now() + make_interval(secs => :ttl)"
)

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
def create_admin(email: str, password: str | None) -> None:
    """Make an admin, or make the account with this e-mail one and give it a password.

    The password is ADMIN_PASSWORD where that is set; else it is asked for, or read as a line from a pipe.
    """
    done = ensure_admin(services(), email=email, password=password or _ask_for_password())
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


def ensure_admin(parts: Services, *, email: str, password: str) -> str:
    """Make sure that an admin signs in with this password; says `created`, `updated` or `kept`.

    Old log-ins of an account that is changed end; of one that is kept they go on.

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
        known = session.scalar(select(User).where(func.lower(User.email) == asked["email"]))
    if (
        known is not None
        and known.role == Role.ADMIN
        and parts.passwords.verify(known.password_hash, password)
    ):
        return "kept"
    admin = {"role": Role.ADMIN, "password_hash": parts.passwords.hash(password)}
    with parts.database.transaction() as session:
        if known is None:
            session.execute(insert(User).values(email=asked["email"], **admin))
            return "created"
        session.execute(update(User).where(User.id == known.id).values(**admin))
    sign_out_everywhere(parts, known.id)
    return "updated"


def make_crowd(parts: Services, count: int, ttl_s: int) -> Iterator[tuple[uuid.UUID, str]]:
    """Insert shoppers in bulk, without passwords, and yield each with an access token once it is stored."""
    name = uuid.uuid4().hex[:12]
    for start in range(0, count, BATCH):
        size = min(BATCH, count - start)
        ids = [uuid.uuid4() for _ in range(size)]
        families = [uuid.uuid4() for _ in range(size)]
        emails = [f"crowd-{name}-{start + at}@crowd.invalid" for at in range(size)]
        with parts.database.transaction() as session:
            take_time(session, LONG)
            _insert(session, ids, emails, families, ttl_s)
        for user_id, family in zip(ids, families, strict=True):
            yield user_id, issue_access(user_id, Role.SHOPPER, family, ttl_s=ttl_s)


def _insert(
    session: Session, ids: list[uuid.UUID], emails: list[str], families: list[uuid.UUID], ttl_s: int
) -> None:
    session.execute(_INSERT_USERS, {"ids": ids, "emails": emails})
    session.execute(_INSERT_FAMILIES, {"families": families, "ids": ids, "ttl": ttl_s})
