"""The signed cookie that tells that this browser logged in to an account before; it grants no access.

Log-in attempts of such a browser are counted apart from strangers', so that strangers cannot lock an
account's owner out.
"""

import hmac
import re
import secrets
from collections.abc import Sequence
from typing import Final

from flask import Response

from config import Settings
from web.auth.cookies import cookie_name, cookie_path

DEVICE_COOKIE: Final = "fs_device"
KEPT_S: Final = 365 * 86_400
MOST_ACCOUNTS: Final = 5  # remembered by one browser

_COOKIE: Final = re.compile(r"([0-9a-f]{24})\.((?:[0-9a-f]{16}){1,5})\.([0-9a-f]{64})", re.ASCII).fullmatch


class Devices:
    """Reads and writes the cookie, signed by a key made of the application's secret.

    While that is changed, a cookie of an old one is read; written again, it keeps the account that logs in.
    """

    def __init__(self, secret_key: str, *, old_keys: Sequence[str] = ()) -> None:
        secret_keys = (secret_key, *old_keys)
        self._keys = [hmac.digest(key.encode(), b"device cookie", "sha256") for key in secret_keys]

    def find(self, cookie: str | None, email: str) -> str | None:
        """The device's id, where somebody logged in to this account on it."""
        device, accounts, key = self._read(cookie)
        return device if _account(key, email) in accounts else None

    def note(self, cookie: str | None, email: str) -> str:
        """The cookie once somebody has logged in to this account too."""
        device, accounts, key = self._read(cookie)
        account = _account(self._keys[0], email)
        others = [one for one in accounts if one != account] if key == self._keys[0] else []
        told = f"{device or secrets.token_hex(12)}.{''.join([account, *others][:MOST_ACCOUNTS])}"
        return f"{told}.{_sign(self._keys[0], told)}"

    def _read(self, cookie: str | None) -> tuple[str | None, list[str], bytes]:
        found = _COOKIE(cookie or "")
        if found is not None:
            for key in self._keys:
                if hmac.compare_digest(_sign(key, f"{found[1]}.{found[2]}"), found[3]):
                    return found[1], re.findall(".{16}", found[2]), key
        return None, [], self._keys[0]


def _account(key: bytes, email: str) -> str:
    return hmac.digest(key, email.encode(errors="replace"), "sha256").hex()[:16]


def _sign(key: bytes, told: str) -> str:
    return hmac.digest(key, b"sign " + told.encode(), "sha256").hex()


def set_device_cookie(response: Response, value: str, settings: Settings, *, path: str) -> None:
    """Give a browser its cookie, for the log-in alone to see."""
    response.set_cookie(
        cookie_name(DEVICE_COOKIE, settings),
        value,
        max_age=KEPT_S,
        path=cookie_path(path, settings),
        secure=settings.is_production,
        httponly=True,
        samesite="Lax",
    )
