"""Generates the secrets of a development run, and keeps them over restarts."""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from config import Settings
from deploy.embedded.places import write_secret_file

SECRET_KEY_BYTES: Final = 48
PASSWORD_BYTES: Final = 12


@dataclass(frozen=True, slots=True)
class Admin:
    """The log-in of the admin, who may run sales."""

    email: str
    password: str


def keep_secret_key(data_dir: Path, settings: Settings) -> None:
    """Make `DATA_DIR/secret_key` unless a key is there or given."""
    if not settings.secret_key:
        write_secret_file(data_dir / "secret_key", secrets.token_hex(SECRET_KEY_BYTES) + "\n")


def keep_admin(data_dir: Path, settings: Settings, given_password: str) -> Admin:
    """The admin's credentials, also left in `DATA_DIR/admin.json`.

    The password is the one given, else the one of before, else a random one.
    """
    file = data_dir / "admin.json"
    password = given_password or _password_of_before(file) or secrets.token_urlsafe(PASSWORD_BYTES)
    admin = Admin(settings.admin_email, password)
    write_secret_file(file, json.dumps(asdict(admin), indent=2) + "\n")
    return admin


def _password_of_before(file: Path) -> str:
    if not file.exists():
        return ""
    return str(json.loads(file.read_text()).get("password", ""))
