"""The crowd's own settings, from environment and command line; the platform's stay `config`'s."""

import argparse
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from environs import Env
from marshmallow.validate import OneOf, Range

import config
from benchmarks.harness.failures import CannotMeasure
from benchmarks.rush.manners import Paying

LONG_HOLD_S: Final = 900  # seconds; a hold that expires in the middle of a rush would blur what is measured
HOLD_S: Final = {Paying.ALL: LONG_HOLD_S, Paying.THIRDS: 15}
# seconds; holds that expire go round
DEADLINE_S: Final = {Paying.ALL: 120.0, Paying.THIRDS: 300.0}
SHORTEST_HOLD_S: Final = 20  # of a storm's sale: everybody has to begin to pay in it
WEBHOOKS_A_HOLD_SECOND: Final = 200  # a bigger storm has more shoppers


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


@dataclass(frozen=True, slots=True)
class StormSettings:
    """Whom to storm with webhooks, and how. Times are in seconds.

    `patience_s` is the platform's: how long it waits for an outcome before it gives a charge up.
    """

    url: str
    webhooks: int
    connections: int
    deadline_s: float
    hold_s: int
    patience_s: int
    seed: int
    json_path: Path | None
    database_url: str
    secret: bytes
    admin_email: str
    admin_password: str


def read_rush_settings(arguments: list[str] | None = None) -> RushSettings:
    """Read whom to rush and how: `URL`, `SHOPPERS`, `UNITS` and the others of `_read`, and `--json FILE`.

    Raises:
        CannotMeasure: a value is malformed, or nobody says how to log in as admin.
    """
    json_path = report_path("benchmarks.rush", arguments)
    with refusing_malformed():
        return _read(Env(eager=True), config.load_settings(), json_path)


def read_storm_settings(arguments: list[str] | None = None) -> StormSettings:
    """Read whom to storm and how: `URL`, `WEBHOOKS` and the others of `_read_storm`, and `--json FILE`.

    Raises:
        CannotMeasure: a value is malformed, or the platform's secrets are not known here.
    """
    json_path = report_path("benchmarks.storm", arguments)
    with refusing_malformed():
        return _read_storm(Env(eager=True), config.load_settings(), json_path)


@contextmanager
def refusing_malformed() -> Iterator[None]:
    """Say of a value that cannot be read that nothing can be measured by it.

    Raises:
        CannotMeasure: that.
    """
    try:
        yield
    except (ValueError, config.ConfigurationError) as error:
        raise CannotMeasure(str(error)) from error


def report_path(module: str, arguments: list[str] | None, default: Path | None = None) -> Path | None:
    """Read the one option of a command: `--json FILE`."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}")
    parser.add_argument("--json", type=Path, metavar="FILE", default=default, help="where the report goes")
    chosen: Path | None = parser.parse_args(arguments).json
    return chosen


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


def _read_storm(env: Env, platform: config.Settings, json_path: Path | None) -> StormSettings:
    # It brings the ledger: a second of imports, which only a storm needs.
    from tasks.providers.sandbox.signature import webhook_secret

    if platform.is_production:
        raise CannotMeasure("A storm is for development: it signs webhooks by the sandbox's secret.")
    if not platform.database_url:
        raise CannotMeasure("Set DATABASE_URL or DATA_DIR: the provider's books cannot be read.")
    email, password = admin_credentials(platform)
    webhooks = env.int("WEBHOOKS", 10_000, validate=Range(min=200, max=1_000_000))
    patience_s = platform.payments.patience_s
    hold_s = max(patience_s, SHORTEST_HOLD_S, webhooks // WEBHOOKS_A_HOLD_SECOND)
    return StormSettings(
        url=shop_url(env, platform),
        webhooks=webhooks,
        connections=env.int("CONNECTIONS", 32, validate=Range(min=1, max=1000)),
        deadline_s=env.float("DEADLINE", 600.0, validate=Range(min=1)),
        hold_s=env.int("HOLD_SECONDS", hold_s, validate=Range(min=1)),
        patience_s=patience_s,
        seed=env.int("SEED", secrets.randbelow(1_000_000)),
        json_path=json_path,
        database_url=platform.database_url,
        secret=webhook_secret(platform.payments, platform.secret_key),
        admin_email=email,
        admin_password=password,
    )


def shop_url(env: Env, platform: config.Settings) -> str:
    """`URL`, else where a shop with these settings listens on this machine."""
    return env.str("URL", "").rstrip("/") or config.own_url(platform.host, platform.port)


def admin_credentials(platform: config.Settings) -> tuple[str, str]:
    """The admin's from the environment, else those that `make run` left in the data directory.

    Raises:
        CannotMeasure: neither is there.
    """
    if platform.admin_password:
        return platform.admin_email, platform.admin_password
    left = platform.data_dir / "admin.json"
    try:
        admin = json.loads(left.read_text())
    except FileNotFoundError as error:
        raise CannotMeasure(
            f"Set ADMIN_EMAIL and ADMIN_PASSWORD, or DATA_DIR: there is no {left}."
        ) from error
    return str(admin["email"]), str(admin["password"])
