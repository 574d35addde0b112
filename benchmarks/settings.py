"""Owns the crowd's own settings, from environment and command line; the platform's stay `config`'s."""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from environs import Env
from marshmallow.validate import OneOf, Range

import config
from benchmarks.manners import Paying

LONG_HOLD_S: Final = 900  # seconds; a hold that expires in the middle of a rush would blur what is measured
HOLD_S: Final = {Paying.ALL: LONG_HOLD_S, Paying.THIRDS: 15}
DEADLINE_S: Final = {
    Paying.ALL: 120.0,
    Paying.THIRDS: 300.0,
}  # where a third lets them expire, holds go round


class CannotRush(RuntimeError):
    """The rush cannot take place: nothing was learnt about the shop."""


@dataclass(frozen=True, slots=True)
class RushSettings:
    """Whom to rush, and how. Times are in seconds."""

    url: str
    shoppers: int
    units: int
    quantity: int
    connections: int
    deadline_s: float
    paying: Paying
    hold_s: int
    json_path: Path | None
    data_dir: Path
    admin_email: str
    admin_password: str

    @property
    def is_local(self) -> bool:
        """The shop is on this machine, so its command line may know its database."""
        return (urlsplit(self.url).hostname or "") in {"127.0.0.1", "localhost", "::1"}


def read_rush_settings(arguments: list[str] | None = None) -> RushSettings:
    """Read whom to rush and how: `URL`, `SHOPPERS`, `UNITS` and the others of `_read`, and `--json FILE`.

    Raises:
        CannotRush: a value is malformed, or nobody says how to log in as admin.
    """
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.rush", description="A crowd rushes a running shop."
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there as well")
    chosen = parser.parse_args(arguments)
    try:
        platform = config.load_settings()
        return _read(Env(eager=True), platform, chosen.json)
    except (ValueError, config.ConfigurationError) as error:
        raise CannotRush(str(error)) from error


def _read(env: Env, platform: config.Settings, json_path: Path | None) -> RushSettings:
    shoppers = env.int("SHOPPERS", 1000, validate=Range(min=1, max=200_000))
    email, password = admin_credentials(platform)
    paying = Paying(env.str("PAYING", Paying.ALL.value, validate=OneOf([one.value for one in Paying])))
    return RushSettings(
        url=shop_url(env, platform),
        shoppers=shoppers,
        units=env.int("UNITS", max(1, shoppers // 10), validate=Range(min=1)),
        quantity=env.int("QUANTITY", 1, validate=Range(min=1)),
        connections=env.int("CONNECTIONS", min(shoppers, 1000), validate=Range(min=1)),
        deadline_s=env.float("DEADLINE", DEADLINE_S[paying], validate=Range(min=1)),
        paying=paying,
        hold_s=env.int("HOLD_SECONDS", HOLD_S[paying], validate=Range(min=1)),
        json_path=json_path,
        data_dir=platform.data_dir,
        admin_email=email,
        admin_password=password,
    )


def shop_url(env: Env, platform: config.Settings) -> str:
    """`URL`, else where a shop with these settings listens on this machine."""
    host = "127.0.0.1" if platform.host in {"0.0.0.0", "::"} else platform.host  # noqa: S104 - compared, not bound
    return env.str("URL", "").rstrip("/") or f"http://{host}:{platform.port}"


def admin_credentials(platform: config.Settings) -> tuple[str, str]:
    """The admin's from the environment, else those that `make run` left in the data directory.

    Raises:
        CannotRush: neither is there.
    """
    if platform.admin_password:
        return platform.admin_email, platform.admin_password
    left = platform.data_dir / "admin.json"
    try:
        admin = json.loads(left.read_text())
    except FileNotFoundError as error:
        raise CannotRush(f"Set ADMIN_EMAIL and ADMIN_PASSWORD, or DATA_DIR: there is no {left}.") from error
    return str(admin["email"]), str(admin["password"])
