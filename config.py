"""Owns the reading of the environment; nothing else in the project looks at `os.environ`.

Whoever needs a setting gets a `Settings` passed in. Without `DATABASE_URL` or `REDIS_URL`, the embedded
servers of `DATA_DIR` are used: their launcher leaves `servers.json` there.
"""

import json
from dataclasses import dataclass, field
from email.headerregistry import Address, HeaderRegistry
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from environs import Env
from marshmallow.validate import OneOf, Range

ROOT: Final = Path(__file__).resolve().parent
MIN_SECRET_BYTES: Final = 32  # bytes; RFC 7518 section 3.2 asks as much of an HS256 key
MIN_OPS_TOKEN: Final = 16  # characters
STRIPE_JS_URL: Final = "https://js.stripe.com/v3/"  # where Stripe itself wants its script to be taken from
WEAK_SECRETS: Final = ("changeme", "change-me", "secret", "password", "default", "development", "example")
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


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
class StripeSettings:
    """An account at Stripe. Any of `webhook_secrets` is good, so that one can be rotated.

    `api_url` is empty for the library's own; `js_url` is where browsers get Stripe's script.
    """

    secret_key: str = field(repr=False)
    publishable_key: str
    webhook_secrets: tuple[str, ...] = field(repr=False)
    api_url: str = ""
    js_url: str = STRIPE_JS_URL

    @property
    def is_test(self) -> bool:
        """Keys of Stripe's test mode move no money."""
        return self.secret_key.startswith(("sk_test_", "rk_test_"))


@dataclass(frozen=True, slots=True)
class PaymentSettings:
    """Who charges, and how long that may take.

    `patience_s`: after so many seconds without an outcome a charge is ended at the provider. `webhook_url` is
    where the sandbox sends its webhooks; it signs them by `sandbox_secret`, or by one made of SECRET_KEY.
    `stripe` may be there besides another provider: what was begun with Stripe is then finished with it.
    """

    provider: str
    patience_s: int
    webhook_url: str
    sandbox_secret: str
    stripe: StripeSettings | None = None

    @property
    def why_no_money(self) -> str:
        """Say why a payment moves no money; empty where it does."""
        if self.provider == "sandbox":
            return "the payment provider is the sandbox"
        return "the keys are of Stripe's test mode" if self.stripe and self.stripe.is_test else ""


@dataclass(frozen=True, slots=True)
class MailSettings:
    """By which SMTP server mail leaves, and from whom.

    `security`: `none`, `starttls` (never without), or `tls` from the first byte.
    """

    host: str
    port: int
    security: str
    user: str
    password: str = field(repr=False)
    sender_name: str
    sender_address: str

    @property
    def tells_its_password(self) -> bool:
        """Whether the password would cross a network unencrypted."""
        return bool(self.password) and self.security == "none" and self.host not in LOOPBACK

    @property
    def domain(self) -> str:
        """The sender's domain, by which the server is greeted and mails are named."""
        return self.sender_address.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class OpsSettings:
    """How operators are known: by a token that they show, or by the port at which they ask."""

    token: str = field(default="", repr=False)
    host: str = "127.0.0.1"
    port: int = 0  # none of their own

    @property
    def is_set(self) -> bool:
        """Whether they are told from others."""
        return bool(self.token or self.port)


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
    mail: MailSettings | None = None  # nothing is mailed without
    ops: OpsSettings = OpsSettings()

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
        mail=_mail(env),
        ops=OpsSettings(
            token=env.str("OPS_TOKEN", ""),
            host=env.str("OPS_HOST", "127.0.0.1"),
            port=env.int("OPS_PORT", 0, validate=Range(min=0, max=65535)),
        ),
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
        provider=env.str("PAYMENT_PROVIDER", "sandbox", validate=OneOf(["sandbox", "stripe"])),
        patience_s=env.int("PAYMENT_PATIENCE_SECONDS", 30, validate=Range(min=1, max=3600)),
        webhook_url=env.str("SANDBOX_WEBHOOK_URL", "") or own,
        sandbox_secret=env.str("SANDBOX_WEBHOOK_SECRET", ""),
        stripe=_stripe(env),
    )


def _stripe(env: Env) -> StripeSettings | None:
    secrets: list[str] = env.list("STRIPE_WEBHOOK_SECRET", [])
    settings = StripeSettings(
        secret_key=env.str("STRIPE_SECRET_KEY", ""),
        publishable_key=env.str("STRIPE_PUBLISHABLE_KEY", ""),
        webhook_secrets=tuple(secret.strip() for secret in secrets if secret.strip()),
        api_url=env.str("STRIPE_API_URL", "").rstrip("/"),
        js_url=env.str("STRIPE_JS_URL", "") or STRIPE_JS_URL,
    )
    is_wanted = env.str("PAYMENT_PROVIDER", "sandbox") == "stripe"
    if not (is_wanted or settings.secret_key or settings.publishable_key or settings.webhook_secrets):
        return None
    _refuse_bad_stripe(settings)
    return settings


def _refuse_bad_stripe(settings: StripeSettings) -> None:
    """A key in another's place is refused: the secret one would be shown to every browser."""
    mode = "test" if settings.is_test else "live"
    fit = {
        "STRIPE_SECRET_KEY": settings.secret_key.startswith((f"sk_{mode}_", f"rk_{mode}_")),
        "STRIPE_PUBLISHABLE_KEY": settings.publishable_key.startswith(f"pk_{mode}_"),
        "STRIPE_WEBHOOK_SECRET": bool(settings.webhook_secrets)
        and all(secret.startswith("whsec_") for secret in settings.webhook_secrets),
    }
    if unfit := [name for name, is_fit in fit.items() if not is_fit]:
        raise ConfigurationError(
            f"Stripe needs {', '.join(fit)}; missing, or not what the name says: {', '.join(unfit)}. "
            "Keys begin with sk_ or rk_ and pk_, both of test or both of live mode, "
            "and webhook secrets with whsec_."
        )


def _mail(env: Env) -> MailSettings | None:
    url, sender = env.str("SMTP_URL", ""), env.str("MAIL_FROM", "")
    if not url and not sender:
        return None
    if not url or not sender:
        raise ConfigurationError("Mail needs both SMTP_URL and MAIL_FROM; only one of them is set.")
    name, address = _sender(sender)
    try:
        return _mail_server(urlsplit(url), name, address)
    except ValueError:  # its own words might show the password
        raise ConfigurationError("SMTP_URL cannot be read as a URL.") from None


def _mail_server(url: SplitResult, sender_name: str, sender_address: str) -> MailSettings:
    if url.scheme not in ("smtp", "smtps") or not url.hostname or url.path.strip("/") or url.fragment:
        raise ConfigurationError(
            "SMTP_URL is not of the form smtp[s]://[user:password@]host[:port][?starttls=1]."
        )
    options = dict(parse_qsl(url.query, keep_blank_values=True))
    starttls = options.pop("starttls", "0")
    if options or starttls not in ("0", "1") or (url.scheme == "smtps" and starttls == "1"):
        raise ConfigurationError(
            "SMTP_URL knows no option but starttls=0 or 1, which smtps:// does not need."
        )
    user, password = unquote(url.username or ""), unquote(url.password or "")
    if bool(user) != bool(password) or not (user + password).isascii():
        raise ConfigurationError("SMTP_URL needs a user and a password, both in ASCII, or neither.")
    security = "tls" if url.scheme == "smtps" else "starttls" if starttls == "1" else "none"
    return MailSettings(
        host=url.hostname,
        port=url.port or {"tls": 465, "starttls": 587, "none": 25}[security],
        security=security,
        user=user,
        password=password,
        sender_name=sender_name,
        sender_address=sender_address,
    )


def _sender(text: str) -> tuple[str, str]:
    """Read `Name <address>` or an address alone."""
    parsed = HeaderRegistry()("From", text if text.isprintable() else "")
    addresses: tuple[Address, ...] = () if parsed.defects else getattr(parsed, "addresses", ())
    if len(addresses) != 1 or not addresses[0].username or not addresses[0].domain:
        raise ConfigurationError("MAIL_FROM is not one address, e.g. Flash Sale <receipts@shop.example>.")
    if not addresses[0].addr_spec.isascii():
        raise ConfigurationError("MAIL_FROM must be an address in ASCII; its name may be in any letters.")
    return addresses[0].display_name, addresses[0].addr_spec


def _refuse_unsafe(settings: Settings) -> None:
    _refuse_bad_ops(settings)
    if settings.is_production and not settings.secret_key:
        raise ConfigurationError("SECRET_KEY must be set in production.")
    if settings.secret_key:
        refuse_weak_secret(settings.secret_key)
    if settings.is_production and settings.failpoint:
        raise ConfigurationError("FAILPOINT is for tests and must not be set in production.")
    if settings.is_production and (stripe := settings.payments.stripe):
        for name, url in (("STRIPE_API_URL", stripe.api_url), ("STRIPE_JS_URL", stripe.js_url)):
            if url and urlsplit(url).scheme != "https":
                raise ConfigurationError(f"{name} must be an https address in production.")

    if settings.is_production and settings.mail is not None and settings.mail.tells_its_password:
        raise ConfigurationError("SMTP_URL would send its password unencrypted; use smtps:// or ?starttls=1.")
    if settings.intent_journal:
        raise ConfigurationError("INTENT_JOURNAL is not available in this release; leave it unset.")


def _refuse_bad_ops(settings: Settings) -> None:
    token = settings.ops.token
    is_visible = token.isascii() and token.isprintable() and " " not in token
    if token and (len(token) < MIN_OPS_TOKEN or not is_visible):
        raise ConfigurationError(f"OPS_TOKEN must have at least {MIN_OPS_TOKEN} visible ASCII characters.")
    if settings.ops.port and settings.ops.port == settings.port:
        raise ConfigurationError("OPS_PORT must be another port than PORT: everybody comes to that one.")


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
