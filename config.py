"""Owns the reading of the environment; nothing else in the project looks at `os.environ`.

Whoever needs a setting gets a `Settings` passed in. Without `DATABASE_URL` or `REDIS_URL`, the embedded
servers of `DATA_DIR` are used: their launcher leaves `servers.json` there.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from environs import Env
from marshmallow.validate import OneOf, Range

ROOT: Final = Path(__file__).resolve().parent
MIN_SECRET_BYTES: Final = 32  # bytes; RFC 7518 section 3.2 asks as much of an HS256 key
WEAK_SECRETS: Final = ("changeme", "change-me", "secret", "password", "default", "development", "example")


class ConfigurationError(Exception):
    """The environment asks for something that cannot or must not be run."""


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Limits in the notation of the `limits` library, e.g. `10/minute`."""

    register: str
    login: str
    refresh: str
    intents: str
    api: str
    socket_messages: str
    socket_connects: str


@dataclass(frozen=True, slots=True)
class PaymentSettings:
    """Who charges, and how long that may take.

    `patience_s`: after so many seconds without an outcome a charge is ended at the provider. `webhook_url` is
    where the sandbox sends its webhooks; it signs them by `sandbox_secret`, or by one made of SECRET_KEY.
    """

    provider: str
    patience_s: int
    webhook_url: str
    sandbox_secret: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the outside may set. Times are in seconds unless the name says otherwise."""

    environment: str
    data_dir: Path
    host: str
    port: int
    database_url: str
    redis_url: str
    broker_url: str
    secret_key: str
    admin_email: str
    admin_password: str | None
    web_processes: int
    worker_processes: int
    access_token_s: int
    refresh_token_s: int
    allowed_origins: tuple[str, ...]
    trusted_proxies: int
    rate_limits: RateLimits
    rate_limits_enabled: bool
    payments: PaymentSettings
    intent_journal: bool
    log_level: str
    log_json: bool
    database_pool_size: int
    claim_size: int
    failpoint: str
    process_name: str

    @property
    def is_production(self) -> bool:
        """Production is strict: it refuses weak secrets and servers that may forget."""
        return self.environment == "production"


def load_settings() -> Settings:
    """Read the settings from the process's environment.

    Raises:
        ConfigurationError: a value is malformed, or unsafe for the environment it is set in.
    """
    try:
        return _read(Env(eager=True))
    except ValueError as error:
        raise ConfigurationError(str(error)) from error


def _read(env: Env) -> Settings:
    environment = env.str("ENVIRONMENT", "development", validate=OneOf(["development", "production"]))
    data_dir = Path(env.str("DATA_DIR", str(ROOT / ".data"))).absolute()
    servers = _json_file(data_dir / "servers.json")
    redis_url = env.str("REDIS_URL", "") or servers.get("redis_url", "")
    settings = Settings(
        environment=environment,
        data_dir=data_dir,
        host=env.str("HOST", "127.0.0.1"),
        port=env.int("PORT", 8000, validate=Range(min=1, max=65535)),
        database_url=_with_driver(env.str("DATABASE_URL", "") or servers.get("database_url", "")),
        redis_url=redis_url,
        broker_url=env.str("BROKER_URL", "") or _as_broker(redis_url),
        secret_key=env.str("SECRET_KEY", "") or _text_file(data_dir / "secret_key"),
        admin_email=env.str("ADMIN_EMAIL", "admin@example.com"),
        admin_password=env.str("ADMIN_PASSWORD", None),
        web_processes=env.int("WEB_PROCESSES", 2, validate=Range(min=1, max=64)),
        worker_processes=env.int("WORKER_PROCESSES", 1, validate=Range(min=1, max=64)),
        access_token_s=env.int("ACCESS_TOKEN_SECONDS", 900, validate=Range(min=30)),
        refresh_token_s=env.int("REFRESH_TOKEN_SECONDS", 30 * 86_400, validate=Range(min=60)),
        allowed_origins=_origins(env),
        trusted_proxies=env.int("TRUSTED_PROXIES", 0, validate=Range(min=0, max=10)),
        rate_limits=_rate_limits(env),
        rate_limits_enabled=env.bool("RATE_LIMIT_ENABLED", True),
        payments=_payments(env),
        intent_journal=env.bool("INTENT_JOURNAL", False),
        log_level=env.str("LOG_LEVEL", "INFO", validate=OneOf(["DEBUG", "INFO", "WARNING", "ERROR"])),
        log_json=env.bool("LOG_JSON", environment == "production"),
        database_pool_size=env.int("DATABASE_POOL_SIZE", 20, validate=Range(min=1, max=200)),
        claim_size=env.int("CLAIM_SIZE", 500, validate=Range(min=1, max=1000)),
        failpoint=env.str("FAILPOINT", ""),
        process_name=env.str("PROCESS_NAME", "flash-sale"),
    )
    _refuse_unsafe(settings)
    return settings


def _origins(env: Env) -> tuple[str, ...]:
    names: list[str] = env.list("ALLOWED_ORIGINS", [])
    return tuple(name.rstrip("/") for name in names)


def _rate_limits(env: Env) -> RateLimits:
    return RateLimits(
        register=env.str("RATE_LIMIT_REGISTER", "20/minute"),
        login=env.str("RATE_LIMIT_LOGIN", "10/minute"),
        refresh=env.str("RATE_LIMIT_REFRESH", "30/minute"),
        intents=env.str("RATE_LIMIT_INTENTS", "20/10 seconds"),
        api=env.str("RATE_LIMIT_API", "600/minute"),
        socket_messages=env.str("RATE_LIMIT_SOCKET_MESSAGES", "60/10 seconds"),
        socket_connects=env.str("RATE_LIMIT_SOCKET_CONNECTS", "1500/second"),
    )


def _payments(env: Env) -> PaymentSettings:
    host, port = env.str("HOST", "127.0.0.1"), env.int("PORT", 8000)
    near = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - every address is not one to call
    own = f"http://{near}:{port}/api/v1/payments/webhooks/sandbox"
    return PaymentSettings(
        provider=env.str("PAYMENT_PROVIDER", "sandbox", validate=OneOf(["sandbox"])),
        patience_s=env.int("PAYMENT_PATIENCE_SECONDS", 30, validate=Range(min=1, max=3600)),
        webhook_url=env.str("SANDBOX_WEBHOOK_URL", "") or own,
        sandbox_secret=env.str("SANDBOX_WEBHOOK_SECRET", ""),
    )


def _refuse_unsafe(settings: Settings) -> None:
    if settings.is_production and not settings.secret_key:
        raise ConfigurationError("SECRET_KEY must be set in production.")
    if settings.secret_key:
        refuse_weak_secret(settings.secret_key)
    if settings.is_production and settings.failpoint:
        raise ConfigurationError("FAILPOINT is for tests and must not be set in production.")
    if settings.intent_journal:
        raise ConfigurationError("INTENT_JOURNAL is not available in this release; leave it unset.")


def refuse_weak_secret(secret: str) -> None:
    """Refuse keys that are short, guessable or monotonous.

    Raises:
        ConfigurationError: the key could be found by trying.
    """
    if len(secret.encode()) < MIN_SECRET_BYTES:
        raise ConfigurationError(f"SECRET_KEY must have at least {MIN_SECRET_BYTES} bytes.")
    lowered = secret.lower()
    if any(lowered.startswith(weak) for weak in WEAK_SECRETS) or len(set(secret)) < 8:
        raise ConfigurationError("SECRET_KEY is a well-known or repetitive value; generate a random one.")


def _as_broker(redis_url: str) -> str:
    """Kombu knows a Redis socket by another scheme than redis-py does."""
    if redis_url.startswith("unix://"):
        path, _, query = redis_url.removeprefix("unix://").partition("?")
        database = query.removeprefix("db=") if query.startswith("db=") else "0"
        return f"redis+socket://{path}?virtual_host={database}"
    return redis_url


def _with_driver(url: str) -> str:
    """Accept the usual `postgres://` spellings and name the driver that is installed."""
    for scheme in ("postgres://", "postgresql://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url


def _json_file(path: Path) -> dict[str, str]:
    text = _text_file(path)
    if not text:
        return {}
    loaded: dict[str, str] = json.loads(text)
    return loaded


def _text_file(path: Path) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return ""
