"""Notes when a log-in last showed its password or its second factor, and tells whether that is recent."""

from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.orm import Session

from models.errors import ConfirmationRequired
from models.queries.accounts import has_second_factor, is_confirmed, lock_account
from models.tables.accounts import TokenFamily
from tasks.accounts.codes import take_code
from tasks.accounts.sealing import Seal
from tasks.context import Context


def note_confirmed(session: Session, family: UUID, *, by_second_factor: bool = False) -> None:
    """Note that a log-in was confirmed now, in the caller's transaction."""
    noted = {"confirmed_at": func.now()}
    if by_second_factor:
        noted["second_factor_at"] = func.now()
    session.execute(update(TokenFamily).where(TokenFamily.id == family).values(noted))


def confirm_by_password(context: Context, family: UUID) -> None:
    """Note that the right password was given."""
    with context.database.transaction() as session:
        note_confirmed(session, family)


def confirm_by_code(context: Context, user_id: UUID, family: UUID, code: str) -> None:
    """Use a code up to confirm a log-in.

    Raises:
        BadCode: it is wrong, or was used before.
        NoSecondFactor: the account has none.
    """
    with context.database.transaction() as session:
        user = lock_account(session, user_id)
        take_code(session, Seal(context.settings.secret_keys), user, code)
        note_confirmed(session, family, by_second_factor=True)


def require_confirmed(context: Context, family: UUID) -> None:
    """Let only a log-in go on that began, or was confirmed, within CONFIRM_SECONDS.

    Raises:
        ConfirmationRequired: it has to be confirmed first.
    """
    with context.database.transaction() as session:
        if not is_confirmed(session, family, context.settings.confirm_s):
            raise ConfirmationRequired("Confirm that it is you.")


def has_shown_factor(context: Context, family: UUID) -> bool:
    """Whether a log-in has shown its account's second factor."""
    with context.database.transaction() as session:
        return has_second_factor(session, family)
