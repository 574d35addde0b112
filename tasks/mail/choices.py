"""Which kinds of mail an account wants, and the word by which one press switches one off (RFC 8058).

The address carries the account and the kind, signed: it needs no log-in, and can switch off this kind and
nothing else.
"""

import base64
import hmac
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from models.enums import CHOSEN_MAILS, MailKind
from models.errors import LinkSpent
from models.tables.accounts import User

PAGE: Final = "/unsubscribe"
_LABEL: Final = b"no more mails "
_SIGNED_BYTES: Final = 18


def choices_of(user: User) -> dict[MailKind, bool]:
    """Say which kinds an account gets, of those that can be chosen."""
    return {kind: bool(user.mail_choices.get(kind, True)) for kind in CHOSEN_MAILS}


def choose(session: Session, user_id: UUID, wanted: Mapping[str, bool]) -> None:
    """Switch kinds on or off for an account, in the caller's transaction; the others stay as they are."""
    merged = User.mail_choices.op("||", return_type=JSONB())(dict(wanted))
    session.execute(update(User).where(User.id == user_id).values(mail_choices=merged))


def write_word(secret_key: str, user_id: UUID, kind: MailKind) -> str:
    """Write the word by which a kind is switched off for an account; the same every time."""
    signed = hmac.digest(secret_key.encode(), _LABEL + user_id.bytes + kind.encode(), "sha256")
    signature = base64.urlsafe_b64encode(signed[:_SIGNED_BYTES]).decode()
    return f"{user_id.hex}.{kind}.{signature}"


def read_word(word: str, secret_keys: Sequence[str]) -> tuple[UUID, MailKind]:
    """Read whose mails of which kind a word switches off.

    Raises:
        LinkSpent: none of these keys signed it.
    """
    user, _, rest = word.partition(".")
    kind = rest.partition(".")[0]
    if kind in set(CHOSEN_MAILS) and len(user) == len(UUID(int=0).hex) and _is_hex(user):
        known = UUID(user), MailKind(kind)
        if any(hmac.compare_digest(word.encode(), write_word(key, *known).encode()) for key in secret_keys):
            return known
    raise LinkSpent("This address switches nothing off.")


def _is_hex(text: str) -> bool:
    return all(one in "0123456789abcdef" for one in text)
