"""Codes of a second factor: time-based one-time passwords (RFC 6238), and codes for when the phone is lost.

Each is good once, whatever is tried at the same moment: the caller has the account's row locked.
"""

import base64
import hashlib
import secrets
import time
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import structlog
from pyotp import TOTP
from pyotp.exceptions import OTPVerificationError
from sqlalchemy import delete, func, insert, update
from sqlalchemy.orm import Session

from models.errors import BadCode, NoSecondFactor
from models.tables.accounts import RecoveryCode, User
from tasks.accounts.sealing import Seal
from tasks.accounts.security_mails import tell_change

SKEW: Final = 1  # steps of 30 s that a phone's clock may be wrong, either way
DIGITS: Final = 6
RECOVERY_CODES: Final = 10
_RECOVERY_BYTES: Final = 10  # 80 bits: nobody finds one from its digest by trying
_GROUP: Final = 4  # characters

log: Final = structlog.get_logger()


def take_code(session: Session, seal: Seal, user: User, code: str) -> None:
    """Use a code up, of the phone or a recovery code, in the caller's transaction.

    Raises:
        BadCode: it is wrong, or was used before.
        NoSecondFactor: the account has none.
    """
    plain = "".join(code.split()).replace("-", "").lower()
    if len(plain) == DIGITS and plain.isdecimal():
        take_step(seal, user, plain)
    else:
        _take_recovery_code(session, user, plain)


def take_step(seal: Seal, user: User, code: str) -> None:
    """Use up a code of the phone, and with it those of all earlier steps.

    Raises:
        BadCode: it is wrong, too old, or of a step that was used before.
        NoSecondFactor: the account has none.
    """
    if user.totp_secret is None:
        raise NoSecondFactor("The account has no second factor.")
    secret = seal.open(user.totp_secret)
    if secret is None:
        log.error("second_factor_unreadable", account=str(user.id))
        raise BadCode("The code is wrong.")
    try:
        step = TOTP(secret).verify_and_get_timecode(code, for_time=time.time(), valid_window=SKEW)
    except OTPVerificationError as error:
        raise BadCode("The code is wrong.") from error
    if step <= (user.totp_last_step or 0):
        raise BadCode("The code was used before.")
    user.totp_last_step = step
    if not user.totp_secret.startswith(seal.prefix):
        user.totp_secret = seal.close(secret)


def write_recovery_codes(session: Session, user_id: UUID) -> list[str]:
    """Give an account new recovery codes in the caller's transaction; the old ones are good for nothing."""
    drop_recovery_codes(session, user_id)
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    rows = [{"user_id": user_id, "digest": _digest(user_id, code)} for code in codes]
    session.execute(insert(RecoveryCode), rows)
    return [_grouped(code) for code in codes]


def drop_recovery_codes(session: Session, user_id: UUID) -> None:
    """Take an account's recovery codes away in the caller's transaction."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))


def _take_recovery_code(session: Session, user: User, plain: str) -> None:
    unused = (
        RecoveryCode.user_id == user.id,
        RecoveryCode.digest == _digest(user.id, plain),
        RecoveryCode.used_at.is_(None),
    )
    using = update(RecoveryCode).where(*unused).values(used_at=func.now()).returning(RecoveryCode.digest)
    if session.scalar(using) is None:
        raise BadCode("The code is wrong, or was used before.")
    log.warning("recovery_code_used", account=str(user.id))
    tell_change(session, user, "recovery_code_used")


def _recovery_code() -> str:
    return base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower()


def _grouped(code: str) -> str:
    groups: Sequence[str] = [code[at : at + _GROUP] for at in range(0, len(code), _GROUP)]
    return "-".join(groups)


def _digest(user_id: UUID, code: str) -> bytes:
    return hashlib.sha256(user_id.bytes + code.encode(errors="replace")).digest()
