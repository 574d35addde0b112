"""Reads the settings from the environment; nothing else in the project looks at `os.environ`.

Code that needs a setting gets a `Settings` passed in. Without `DATABASE_URL` or `REDIS_URL`, the embedded
servers of `DATA_DIR` are used: their launcher leaves `servers.json` there.
"""

import ipaddress
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.headerregistry import Address, HeaderRegistry
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from environs import Env
from marshmallow.validate import OneOf, Range

ROOT: Final = Path(__file__).resolve().parent
MIN_SECRET_BYTES: Final = 32  # bytes; RFC 7518 section 3.2 asks as much of an HS256 key
MIN_OPS_TOKEN: Final = 16  # characters
STRIPE_JS_URL: Final = "https://js.stripe.com/v3/"  # where Stripe itself wants its script to be taken from
MIN_PASSWORD_CHARACTERS: Final = 12  # of an admin's password in production
WORTH_OF_A_SECRET: Final = 16  # characters of it that nobody would try first
WORTH_OF_A_PASSWORD: Final = 8
WELL_KNOWN: Final = tuple(  # what is tried first; the longer before what they contain
    """
    your-256-bit your please changeme change-me change_me change secret password passwort passwd default
    development production example administrator admin letmein welcome qwertyuiop qwertzuiop qwerty qwertz
    asdfghjkl asdfgh zxcvbn iloveyou dragon monkey master sunshine princess football baseball trustno1
    superman batman shadow login hello guest test root user postgres redis flashsale flash-sale flash_sale
    hunter2 hunter 1q2w3e4r5t 1q2w3e4r q1w2e3r4 abc123
    """.split()  # noqa: SIM905 - a list of them would be a page long
)
DATABASE_SCHEME: Final = "postgresql+psycopg"
_LEET: Final = str.maketrans("013457@$!", "oleastasi")
ALLOWANCES: Final = {  # what production refuses unless PRODUCTION_ALLOWS names it, and in which words
    "sandbox": "the payment provider is the sandbox, which moves no money",
    "stripe_test_mode": "the keys are of Stripe's test mode, which moves no money",
    "no_limits": "RATE_LIMIT_ENABLED is off",
    "no_proxy": "TRUSTED_PROXIES is 0, so that behind a proxy all shoppers would be one address",
    "weak_admin_password": "ADMIN_PASSWORD could be found by trying",
}
SENTINEL_PORT: Final = 26379  # where a sentinel is asked unless its address says otherwise
SENTINEL_TIMEOUT_S: Final = 0.5  # for its answer; then the next one is asked
SESSION_S: Final = 90 * 86_400
MOST_OF_A_VERSION: Final = 32  # characters, of terms
REPEATED_DAYS: Final = 7  # within which providers send a webhook again; Stripe does so for three
DRAIN_WORKERS: Final = min(2, os.cpu_count() or 1)  # PostgreSQL, which they write to, needs cores too
RABBIT_TLS: Final = frozenset({"ssl_ca_certs", "ssl_cert_reqs", "ssl_certfile", "ssl_keyfile"})
_VAPID_PUBLIC: Final = re.compile(r"B[\w-]{86}", re.ASCII).fullmatch  # 65 bytes, of which the first is 4
_VAPID_PRIVATE: Final = re.compile(r"[\w-]{43}", re.ASCII).fullmatch
_VAPID_SUBJECT: Final = re.compile(r"mailto:[^@\s]+@[\w.-]+\.\w+|https://[\w-]+\.[\w.-]+", re.ASCII).fullmatch
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
    unknown_sales: str = "30/10 seconds"
    links: str = "20/minute"


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
    """Which provider charges, and how long that may take.

    `patience_s`: after so many seconds without an outcome a charge is ended at the provider. `webhook_url` is
    where the sandbox sends its webhooks; it signs them by `sandbox_secret`, or by one made of SECRET_KEY.
    `stripe` may be there besides another provider: what was begun with Stripe is then finished with it.
    """

    provider: str
    patience_s: int
    webhook_url: str
    sandbox_secret: str = field(repr=False)
    stripe: StripeSettings | None = None

    @property
    def why_no_money(self) -> str:
        """Why a payment moves no money; empty where it does."""
        if self.provider == "sandbox":
            return "the payment provider is the sandbox"
        return "the keys are of Stripe's test mode" if self.stripe and self.stripe.is_test else ""


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The SMTP server that mail leaves by, and its sender. Without a host mails are kept, to be read here.

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
    def is_kept(self) -> bool:
        """Whether mails are never sent, but kept for the control room."""
        return not self.host

    @property
    def tells_its_password(self) -> bool:
        """Whether the password would cross a network unencrypted."""
        return bool(self.password) and self.security == "none" and self.host not in LOOPBACK

    @property
    def domain(self) -> str:
        """The sender's domain, by which the server is greeted and mails are named."""
        return self.sender_address.rpartition("@")[2]


KEPT_MAIL: Final = MailSettings("", 0, "none", "", "", "Flash Sale", "shop@localhost")  # of development


@dataclass(frozen=True, slots=True)
class PushSettings:
    """The keys by which push services know the shop (VAPID, URL-safe Base64), and whom they may write to."""

    public_key: str
    private_key: str = field(repr=False)
    subject: str


@dataclass(frozen=True, slots=True)
class SentinelAddress:
    """A Redis by the name of its service: the sentinels (host, port) know which server is its master.

    `tls` holds redis-py's `ssl_…` options for servers and sentinels alike; None: nothing is encrypted.
    """

    sentinels: tuple[tuple[str, int], ...]
    service: str
    db: int
    username: str | None
    password: str | None = field(repr=False)
    sentinel_username: str | None
    sentinel_password: str | None = field(repr=False)
    tls: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class OpsSettings:
    """How operators are recognised: by a token that they send, or by the port that they ask at."""

    token: str = field(default="", repr=False)
    host: str = "127.0.0.1"
    port: int = 0  # none of their own

    @property
    def is_set(self) -> bool:
        """Whether operators can be told from others."""
        return bool(self.token or self.port)


@dataclass(frozen=True, slots=True)
class TraceSettings:
    """Where traces go, and of which share of the intents.

    `url` takes OTLP over HTTP. `follows_callers`: who comes with a sampled `traceparent` is traced besides.
    """

    url: str
    ratio: float
    follows_callers: bool = False


@dataclass(frozen=True, slots=True)
class LogInSettings:
    """What the hashing of passwords may take, in all web processes of this machine together.

    `cpu_share` of its cores at most; `queue` wait for their turn, nobody longer than `wait_s` seconds.
    """

    cpu_share: float = 0.25
    queue: int = 200
    wait_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days what is no longer needed is kept; 0: for good."""

    unverified_days: int = 90  # accounts that never confirmed their address, and asked for nothing
    invited_days: int = 30  # accounts of who was invited to the staff and never accepted
    log_ins_days: int = 30  # that have ended, with network and user agent
    mails_days: int = 90  # addresses and contents of mails that were sent
    webhooks_days: int = 90
    tasks_days: int = 90  # background tasks that are over


@dataclass(frozen=True, slots=True)
class Legal:
    """The shop's terms and its words on privacy: text files, and the version of the terms that counts now.

    Without a version nobody is asked to accept them.
    """

    terms_file: Path | None = None
    privacy_file: Path | None = None
    terms_version: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the environment may set. Times are in seconds unless the name says otherwise."""

    environment: str
    data_dir: Path
    host: str
    port: int
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    broker_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    admin_email: str
    admin_password: str | None = field(repr=False)
    web_processes: int
    worker_processes: int
    access_token_s: int
    refresh_token_s: int
    allowed_origins: tuple[str, ...]
    trusted_proxies: int
    rate_limits: RateLimits
    rate_limits_enabled: bool
    payments: PaymentSettings
    intent_journal: str  # where intents are written down before they are answered: postgres, or nowhere
    log_level: str
    log_json: bool
    database_pool_size: int
    claim_size: int
    failpoint: str
    process_name: str
    mail: MailSettings | None = None  # nothing is entered without
    push: PushSettings | None = None  # nothing is pushed without
    opens_soon_minutes: int = 15  # before a sale or its lobby opens, in which its followers are told
    ops: OpsSettings = OpsSettings()
    audit_share: float = 0.05  # of one core, for audits of running sales
    sockets_per_network: int = 1000  # that nobody authenticated, in one web process; 0: any number
    old_secret_keys: tuple[str, ...] = field(default=(), repr=False)  # verify, and sign nothing any more
    production_allows: tuple[str, ...] = ()
    forwarded_allow_ips: str = ""  # gunicorn's own settings of these names: nobody, and none
    forwarder_headers: str = ""
    log_ins: LogInSettings = LogInSettings()
    plain_requests: bool = True  # whether plain requests are answered at the connection
    journal_kept_hours: int = 24  # entries of the journal whose verdict is in the ledger
    replicas_required: int = 0  # of Redis, that have what is answered
    broker_options: Mapping[str, Any] = field(default_factory=dict, repr=False)  # kombu's, of its transport
    drain_s: float = 0  # between being told to stop and stopping, in which `/readyz` is 503
    database_read_url: str = field(default="", repr=False)  # a replica's; none
    replica_lag_s: float = 10  # it is not read when it is further behind
    database_pooler: str = "auto"  # models.connector.Pooler
    traces: TraceSettings | None = None  # off
    broker_queues: str = "classic"  # or quorum: the type of RabbitMQ's queues
    shop_url: str = "http://127.0.0.1:8000"  # where browsers find the shop: links in mails begin with it
    retention: Retention = Retention()
    legal: Legal = Legal()
    staff_second_factor: str = "optional"  # or required: of staff's log-ins
    confirm_s: int = 900  # after which the password or a code is asked again before what is dangerous
    metrics_dir: Path | None = None  # in which the web processes of a host count together
    session_s: int = SESSION_S  # a log-in ends so long after it began, however often it is refreshed

    @property
    def is_production(self) -> bool:
        """Production is strict: it refuses weak secrets and servers that may forget."""
        return self.environment == "production"

    @property
    def can_tell(self) -> bool:
        """Whether there is a way to tell those who are not there: by mail, or by push."""
        return self.mail is not None or self.push is not None

    @property
    def is_rabbit(self) -> bool:
        """Whether Celery's broker is RabbitMQ, and not a Redis."""
        return is_rabbit_url(self.broker_url)

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """Every key that what we signed may be verified by; the first one signs."""
        return (self.secret_key, *self.old_secret_keys)

    @property
    def risks(self) -> dict[str, str]:
        """What production would refuse unless it is allowed by name: each name with its words."""
        found = {
            "sandbox": self.payments.provider == "sandbox",
            "stripe_test_mode": self.payments.provider == "stripe" and bool(self.payments.why_no_money),
            "no_limits": not self.rate_limits_enabled,
            "no_proxy": self.trusted_proxies == 0,
            "weak_admin_password": self.admin_password is not None
            and bool(why_weak_password(self.admin_password, self.admin_email)),
        }
        return {name: ALLOWANCES[name] for name, is_so in found.items() if is_so}


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
    redis_url = _redis_url("REDIS_URL", env.str("REDIS_URL", "") or servers.get("redis_url", ""))
    broker_url = _broker_url(env.str("BROKER_URL", "") or redis_url)
    if is_cluster_url(broker_url):
        raise ConfigurationError(
            "BROKER_URL has to name a single Redis or a RabbitMQ:"
            " Celery's messages cannot go over a Redis Cluster."
        )
    keys = _secret_keys(env.str("SECRET_KEY", "") or _text_file(data_dir / "secret_key"))
    settings = Settings(
        environment=environment,
        data_dir=data_dir,
        host=_host(env.str("HOST", "127.0.0.1")),
        port=env.int("PORT", 8000, validate=Range(min=1, max=65535)),
        database_url=_database_url(
            env.str("DATABASE_URL", "") or servers.get("database_url", ""), "read-write"
        ),
        redis_url=redis_url,
        broker_url=_as_broker(broker_url),
        broker_options=_broker_options(broker_url),
        journal_kept_hours=env.int("INTENT_JOURNAL_KEPT_HOURS", 24, validate=Range(min=0)),
        replicas_required=env.int("REPLICAS_REQUIRED", 0, validate=Range(min=0, max=16)),
        broker_queues=env.str("BROKER_QUEUES", "classic", validate=OneOf(["classic", "quorum"])),
        secret_key=keys[0] if keys else "",
        admin_email=env.str("ADMIN_EMAIL", "admin@example.com"),
        admin_password=env.str("ADMIN_PASSWORD", "") or None,
        web_processes=env.int("WEB_PROCESSES", 2, validate=Range(min=1, max=64)),
        worker_processes=env.int("WORKER_PROCESSES", DRAIN_WORKERS, validate=Range(min=1, max=64)),
        access_token_s=env.int("ACCESS_TOKEN_SECONDS", 900, validate=Range(min=30)),
        staff_second_factor=env.str(
            "STAFF_SECOND_FACTOR", "optional", validate=OneOf(["optional", "required"])
        ),
        confirm_s=env.int("CONFIRM_SECONDS", 900, validate=Range(min=1)),
        session_s=env.int("SESSION_SECONDS", 90 * 86_400, validate=Range(min=60)),
        refresh_token_s=env.int("REFRESH_TOKEN_SECONDS", 30 * 86_400, validate=Range(min=60)),
        log_ins=LogInSettings(
            cpu_share=env.float("LOG_IN_CPU_SHARE", 0.25, validate=Range(min=0.01, max=1)),
            queue=env.int("LOG_IN_QUEUE", 200, validate=Range(min=0)),
            wait_s=env.float("LOG_IN_WAIT_SECONDS", 10, validate=Range(min=0.1, max=12)),
        ),
        allowed_origins=_origins(env),
        trusted_proxies=env.int("TRUSTED_PROXIES", 0, validate=Range(min=0, max=10)),
        rate_limits=_rate_limits(env),
        rate_limits_enabled=env.bool("RATE_LIMIT_ENABLED", True),
        payments=_payments(env),
        intent_journal=env.str("INTENT_JOURNAL", "", validate=OneOf(["", "postgres"])),
        log_level=env.str("LOG_LEVEL", "INFO", validate=OneOf(["DEBUG", "INFO", "WARNING", "ERROR"])),
        log_json=env.bool("LOG_JSON", environment == "production"),
        drain_s=env.float("DRAIN_SECONDS", 0, validate=Range(min=0, max=300)),
        database_read_url=_database_url(env.str("DATABASE_READ_URL", ""), "prefer-standby"),
        replica_lag_s=env.float("REPLICA_LAG_SECONDS", 10, validate=Range(min=0, max=3600)),
        database_pooler=env.str("DATABASE_POOLER", "auto", validate=OneOf(["auto", "transaction", "none"])),
        database_pool_size=env.int("DATABASE_POOL_SIZE", 20, validate=Range(min=1, max=200)),
        claim_size=env.int("CLAIM_SIZE", 500, validate=Range(min=1, max=1000)),
        audit_share=env.float("AUDIT_SHARE", 0.05, validate=Range(min=0.001, max=0.5)),
        failpoint=env.str("FAILPOINT", ""),
        process_name=env.str("PROCESS_NAME", "flash-sale"),
        mail=_mail(env) or (None if environment == "production" else KEPT_MAIL),
        shop_url=_shop_url(env),
        push=_push(env),
        opens_soon_minutes=env.int("OPENS_SOON_MINUTES", 15, validate=Range(min=1, max=1440)),
        sockets_per_network=env.int("RATE_LIMIT_SOCKETS_PER_NETWORK", 1000, validate=Range(min=0)),
        ops=OpsSettings(
            token=env.str("OPS_TOKEN", ""),
            host=_host(env.str("OPS_HOST", "127.0.0.1")),
            port=env.int("OPS_PORT", 0, validate=Range(min=0, max=65535)),
        ),
        metrics_dir=Path(folder) if (folder := env.str("PROMETHEUS_MULTIPROC_DIR", "")) else None,
        old_secret_keys=keys[1:],
        production_allows=_allowances(env),
        forwarded_allow_ips=env.str("FORWARDED_ALLOW_IPS", ""),
        forwarder_headers=env.str("FORWARDER_HEADERS", ""),
        plain_requests=env.bool("PLAIN_REQUESTS", True),
        traces=_traces(env),
        retention=_retention(env),
        legal=_legal(env),
    )
    _refuse_unsafe(settings)
    return settings


def reachable_host(host: str) -> str:
    """The host that a client on this machine connects to: every address is not one to call."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host or "127.0.0.1"
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"


def own_url(host: str, port: int) -> str:
    """The URL at which a client on this machine reaches the process that listens on a host and a port."""
    near = reachable_host(host)
    return f"http://[{near.replace('%', '%25')}]:{port}" if ":" in near else f"http://{near}:{port}"


def _traces(env: Env) -> TraceSettings | None:
    """Where traces go; None without the standard variable of OpenTelemetry for it, or with a share of 0."""
    endpoint = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", "").rstrip("/")
    ratio = env.float("TRACES_SAMPLE_RATIO", 0.01, validate=Range(min=0, max=1))
    follows_callers = env.bool("TRACES_FOLLOW_CALLERS", False)
    if not endpoint or ratio == 0:
        return None
    if urlsplit(endpoint).scheme not in ("http", "https") or not urlsplit(endpoint).hostname:
        raise ConfigurationError("OTEL_EXPORTER_OTLP_ENDPOINT is not of the form http[s]://host:4318.")
    return TraceSettings(f"{endpoint}/v1/traces", ratio, follows_callers)


def _legal(env: Env) -> Legal:
    """Read where terms and privacy stand, and make sure that they can be read."""
    files = {"TERMS_FILE": env.str("TERMS_FILE", ""), "PRIVACY_FILE": env.str("PRIVACY_FILE", "")}
    if unread := [name for name, path in files.items() if path and not os.access(path, os.R_OK)]:
        raise ConfigurationError(f"{' and '.join(unread)} cannot be read.")
    version = env.str("TERMS_VERSION", "").strip()
    if version and (not files["TERMS_FILE"] or len(version) > MOST_OF_A_VERSION):
        raise ConfigurationError(
            f"TERMS_VERSION names a version of TERMS_FILE, in {MOST_OF_A_VERSION} characters at most."
        )
    terms, privacy = (Path(path).absolute() if path else None for path in files.values())
    return Legal(terms, privacy, version)


def _retention(env: Env) -> Retention:
    """How long things are kept, in days."""
    days = Range(min=0, max=36_500)
    kept = Retention(
        unverified_days=env.int("RETAIN_UNVERIFIED_DAYS", 90, validate=days),
        invited_days=env.int("RETAIN_INVITED_DAYS", 30, validate=days),
        log_ins_days=env.int("RETAIN_LOG_INS_DAYS", 30, validate=days),
        mails_days=env.int("RETAIN_MAILS_DAYS", 90, validate=days),
        webhooks_days=env.int("RETAIN_WEBHOOKS_DAYS", 90, validate=days),
        tasks_days=env.int("RETAIN_TASKS_DAYS", 90, validate=days),
    )
    if 0 < kept.webhooks_days < REPEATED_DAYS:
        raise ConfigurationError(
            f"RETAIN_WEBHOOKS_DAYS is less than {REPEATED_DAYS}: a webhook that comes again must be known."
        )
    return kept


def _host(text: str) -> str:
    """Strip the brackets that URLs put around an IPv6 address."""
    return text.strip().removeprefix("[").removesuffix("]")


def _secret_keys(text: str) -> tuple[str, ...]:
    """Read one key or several, comma-separated: the first signs, each of them verifies."""
    return tuple(key.strip() for key in text.split(",") if key.strip())


def _allowances(env: Env) -> tuple[str, ...]:
    names: list[str] = env.list("PRODUCTION_ALLOWS", [])
    asked = tuple(name.strip() for name in names if name.strip())
    if unknown := [name for name in asked if name not in ALLOWANCES]:
        raise ConfigurationError(
            f"PRODUCTION_ALLOWS does not know {', '.join(unknown)}; it knows {', '.join(ALLOWANCES)}."
        )
    return asked


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
        unknown_sales=env.str("RATE_LIMIT_UNKNOWN_SALES", "30/10 seconds"),
        links=env.str("RATE_LIMIT_LINKS", "20/minute"),
    )


def _payments(env: Env) -> PaymentSettings:
    host, port = _host(env.str("HOST", "127.0.0.1")), env.int("PORT", 8000)
    own = f"{own_url(host, port)}/api/v1/payments/webhooks/sandbox"
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


def _push(env: Env) -> PushSettings | None:
    public, private = env.str("VAPID_PUBLIC_KEY", ""), env.str("VAPID_PRIVATE_KEY", "")
    if not public and not private:
        return None
    if not _VAPID_PUBLIC(public) or not _VAPID_PRIVATE(private):
        raise ConfigurationError(
            "VAPID_PUBLIC_KEY and VAPID_PRIVATE_KEY must both be as `flask push make-keys` prints them."
        )
    subject = env.str("VAPID_SUBJECT", "") or f"mailto:{env.str('ADMIN_EMAIL', 'admin@example.com')}"
    if not _VAPID_SUBJECT(subject):
        raise ConfigurationError("VAPID_SUBJECT must be mailto: with an address, or an https address.")
    return PushSettings(public, private, subject)


def _shop_url(env: Env) -> str:
    """Where browsers find the shop, without a slash at its end."""
    url = env.str("SHOP_URL", "").rstrip("/")
    if not url:
        return own_url(_host(env.str("HOST", "127.0.0.1")), env.int("PORT", 8000))
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ConfigurationError("SHOP_URL cannot be read as a URL.") from None
    is_plain = not (parts.path or parts.query or parts.fragment or parts.username)
    if parts.scheme not in ("http", "https") or not parts.hostname or not is_plain:
        raise ConfigurationError("SHOP_URL is not of the form https://shop.example[:port].")
    return url


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
    for key in filter(None, settings.secret_keys):
        refuse_weak_secret(key)
    if settings.broker_queues == "quorum" and not settings.is_rabbit:
        raise ConfigurationError("BROKER_QUEUES=quorum needs RabbitMQ as BROKER_URL.")
    if settings.is_production:
        _refuse_for_production(settings)


def _refuse_bad_ops(settings: Settings) -> None:
    token = settings.ops.token
    is_visible = token.isascii() and token.isprintable() and " " not in token
    if token and (len(token) < MIN_OPS_TOKEN or not is_visible):
        raise ConfigurationError(f"OPS_TOKEN must have at least {MIN_OPS_TOKEN} visible ASCII characters.")
    if settings.ops.port and settings.ops.port == settings.port:
        raise ConfigurationError("OPS_PORT must be another port than PORT: everybody comes to that one.")


def _refuse_for_production(settings: Settings) -> None:
    if not settings.secret_key:
        raise ConfigurationError("SECRET_KEY must be set in production.")
    for key in settings.secret_keys:
        _refuse_guessable(key, "SECRET_KEY")
    if settings.failpoint:
        raise ConfigurationError("FAILPOINT is for tests and must not be set in production.")
    if settings.mail is not None and settings.mail.tells_its_password:
        raise ConfigurationError("SMTP_URL would send its password unencrypted; use smtps:// or ?starttls=1.")
    if settings.mail is not None and urlsplit(settings.shop_url).scheme != "https":
        raise ConfigurationError("SHOP_URL must be the shop's https address: mails carry links to it.")
    if settings.ops.token and _worth(settings.ops.token) < WORTH_OF_A_PASSWORD:
        raise ConfigurationError("OPS_TOKEN is a well-known or repetitive value; generate a random one.")
    _refuse_weak_payments(settings.payments)
    refused = {name: why for name, why in settings.risks.items() if name not in settings.production_allows}
    if refused:
        told = "; ".join(f"{why} ({name})" for name, why in refused.items())
        raise ConfigurationError(
            f"Refused in production: {told}. Put it right, or allow it by name: "
            f"PRODUCTION_ALLOWS={','.join((*settings.production_allows, *refused))}"
        )


def _refuse_weak_payments(payments: PaymentSettings) -> None:
    """What signs webhooks moves money, so that it must be as strong as what signs log-ins."""
    if payments.sandbox_secret:
        _refuse_guessable(payments.sandbox_secret, "SANDBOX_WEBHOOK_SECRET")
    if payments.stripe is None:
        return
    for secret in payments.stripe.webhook_secrets:
        _refuse_guessable(secret, "STRIPE_WEBHOOK_SECRET")
    for name, url in (("STRIPE_API_URL", payments.stripe.api_url), ("STRIPE_JS_URL", payments.stripe.js_url)):
        if url and urlsplit(url).scheme != "https":
            raise ConfigurationError(f"{name} must be an https address in production.")


def refuse_weak_secret(secret: str, name: str = "SECRET_KEY") -> None:
    """Refuse keys that are short, guessable or monotonous.

    Raises:
        ConfigurationError: the key could be found by trying.
    """
    if len(secret.encode()) < MIN_SECRET_BYTES:
        raise ConfigurationError(f"{name} must have at least {MIN_SECRET_BYTES} bytes.")
    begins_weak = secret.lower().startswith(WELL_KNOWN)
    if begins_weak or len(set(secret)) < 8:
        raise ConfigurationError(f"{name} is a well-known or repetitive value; generate a random one.")


def _refuse_guessable(secret: str, name: str) -> None:
    """What production adds: well-known words and runs of characters do not make a secret longer."""
    refuse_weak_secret(secret, name)
    if _worth(secret) < WORTH_OF_A_SECRET:
        raise ConfigurationError(f"{name} is a well-known or repetitive value; generate a random one.")


def why_weak_password(password: str, email: str) -> str:
    """Why an admin's password is too weak for production; empty where it is not."""
    if len(password) < MIN_PASSWORD_CHARACTERS:
        return f"it has fewer than {MIN_PASSWORD_CHARACTERS} characters"
    own = re.split(r"[@.+_-]", email.lower())
    if len(set(password)) < 6 or _worth(password, *own) < WORTH_OF_A_PASSWORD:
        return "it is made of well-known words, repetitions or the e-mail address"
    return ""


def _worth(secret: str, *known: str) -> int:
    """Count the characters that are left without well-known words, runs (abc, 321, aaa) and repetitions."""
    left = secret.lower()
    period = (left + left).find(left, 1)
    left = left[:period]
    for word in (*WELL_KNOWN, *(word for word in known if len(word) > 2)):
        left = left.replace(word, "")
    plain = left.translate(_LEET)
    for word in WELL_KNOWN:
        plain = plain.replace(word, "")
    return min(_without_runs(left), _without_runs(plain))


def _without_runs(text: str) -> int:
    """Count the characters, of a run (abc, 321, aaa) only the first two."""
    steps = [ord(after) - ord(before) for before, after in pairwise(text)]
    return len(text) - sum(step == before and abs(step) <= 1 for before, step in pairwise(steps))


def _redis_url(name: str, url: str) -> str:
    """Accept both spellings of how certificates are checked: redis-py's `required`, and `CERT_REQUIRED`.

    Raises:
        ConfigurationError: it is no URL, or its options are unknown; nothing of it is shown.
    """
    try:
        if is_sentinel_url(url):
            read_sentinel_url(url)
            return url
        parts = urlsplit(url)
        for host in parts.netloc.rpartition("@")[2].split(","):
            _ = urlsplit(f"//{host}").port
    except ValueError:  # its own words might show the password
        raise ConfigurationError(f"{name} is no URL; a password's signs are written as %XX.") from None
    options = dict(parse_qsl(parts.query))
    asked = options.get("ssl_cert_reqs")
    if asked is None:
        return url
    options["ssl_cert_reqs"] = asked.lower().removeprefix("cert_")
    if options["ssl_cert_reqs"] not in ("none", "optional", "required"):
        raise ConfigurationError(f"{name} has an ssl_cert_reqs that is not required, optional or none.")
    return parts._replace(query=urlencode(options, safe="/")).geturl()


def is_rabbit_url(url: str) -> bool:
    """Whether an address names RabbitMQ's nodes."""
    return url.partition("://")[0] in ("amqp", "amqps")


def _is_rabbit_node(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        return False
    known = RABBIT_TLS if parts.scheme == "amqps" else frozenset()
    is_checked = options.get("ssl_cert_reqs", "required").lower().removeprefix("cert_") in (
        "required",
        "none",
    )
    is_plain = not parts.fragment and options.keys() <= known and is_checked
    return is_rabbit_url(url) and bool(parts.hostname) and is_plain


def _broker_url(url: str) -> str:
    """Accept what REDIS_URL accepts, or RabbitMQ's nodes: `amqp://user:password@host[:port]/vhost;amqp://…`.

    Raises:
        ConfigurationError: it is no URL, or its options are unknown; nothing of it is shown.
    """
    if not is_rabbit_url(url):
        return _redis_url("BROKER_URL", url)
    if not all(_is_rabbit_node(node) for node in url.split(";")):
        raise ConfigurationError(
            "BROKER_URL is not amqp[s]://user:password@host[:port]/vhost, or several of it with ; "
            f"between them, with {', '.join(sorted(RABBIT_TLS))} where it is amqps; a password's signs are "
            "written as %XX."
        )
    return url


def is_sentinel_url(url: str) -> bool:
    """Whether an address names sentinels rather than a Redis."""
    return url.partition("://")[0] in ("redis+sentinel", "rediss+sentinel")


def is_cluster_url(url: str) -> bool:
    """Whether an address names servers of a Redis Cluster."""
    return url.partition("://")[0] in ("redis+cluster", "rediss+cluster")


def read_sentinel_url(url: str) -> SentinelAddress:
    """Read `redis+sentinel://[user:password@]host[:port],…/service[/db][?sentinel_password=…]`.

    `rediss+sentinel://` asks for TLS, with the `ssl_…` options of `rediss://`.

    Raises:
        ValueError: it is not of that form; its words show nothing of it.
    """
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    service, _, db = parts.path.strip("/").partition("/")
    options = dict(parse_qsl(parts.query))
    sentinel_user, sentinel_password = (
        options.pop("sentinel_username", ""),
        options.pop("sentinel_password", ""),
    )
    is_tls = parts.scheme == "rediss+sentinel"
    if not service or not all(name.startswith("ssl_") and is_tls for name in options):
        raise ValueError("not redis+sentinel://host[:port],…/service[/db]")
    if "ssl_cert_reqs" in options:
        options["ssl_cert_reqs"] = options["ssl_cert_reqs"].lower().removeprefix("cert_")
    return SentinelAddress(
        sentinels=tuple(_sentinel(host) for host in hosts.split(",")),
        service=unquote(service),
        db=int(db or 0),
        username=unquote(user) or None,
        password=unquote(password) or None,
        sentinel_username=sentinel_user or None,
        sentinel_password=sentinel_password or None,
        tls=options if is_tls else None,
    )


def _sentinel(told: str) -> tuple[str, int]:
    parts = urlsplit(f"//{told}")
    if not parts.hostname:
        raise ValueError("a sentinel without a host")
    return parts.hostname, parts.port or SENTINEL_PORT


def _broker_options(broker_url: str) -> dict[str, Any]:
    """Tell kombu what it does not read from the address of sentinels."""
    if not is_sentinel_url(broker_url):
        return {}
    at = read_sentinel_url(broker_url)
    login = {"username": at.sentinel_username, "password": at.sentinel_password}
    return {
        "master_name": at.service,
        "sentinel_kwargs": {
            "socket_connect_timeout": SENTINEL_TIMEOUT_S,
            "socket_timeout": SENTINEL_TIMEOUT_S,
            **{name: value for name, value in login.items() if value},
        },
    }


def _as_sentinel_broker(url: str) -> str:
    at = read_sentinel_url(url)
    if at.tls is not None:
        raise ConfigurationError("BROKER_URL cannot be Redis over TLS by sentinels; name a broker apart.")
    login = ""
    if at.password:
        login = f"{quote(at.username or '', safe='')}:{quote(at.password, safe='')}@"
    hosts = (f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in at.sentinels)
    return ";".join(f"sentinel://{login}{host}/{at.db}" for host in hosts)


def _as_broker(redis_url: str) -> str:
    """Write the address of a Redis as Celery's kombu wants it.

    Kombu knows a socket by another scheme than redis-py does, takes the database from the path, no option
    but those of TLS, and checks no certificate unless it is told to.
    """
    if is_sentinel_url(redis_url):
        return _as_sentinel_broker(redis_url)
    parts = urlsplit(redis_url)
    if parts.scheme not in ("redis", "rediss", "unix"):
        return redis_url
    options = dict(parse_qsl(parts.query))
    database = options.get("db") or parts.path.strip("/")
    if parts.scheme == "unix":
        login = _login(parts.netloc.rpartition("@")[0], options)
        return f"redis+socket://{login}{parts.path}?virtual_host={options.get('db', '0')}"
    tls = {name: value for name, value in options.items() if name.startswith("ssl_")}
    if parts.scheme == "rediss":
        tls.setdefault("ssl_cert_reqs", "required")
    login, _, host = parts.netloc.rpartition("@")
    path = f"/{database}" if database else ""
    query = f"?{urlencode(tls, safe='/')}" if tls else ""
    return f"{parts.scheme}://{_login(login, options)}{host}{path}{query}"


def _login(told: str, options: dict[str, str]) -> str:
    """A URL's user and password, which redis-py takes as options too."""
    if not told and "password" in options:
        told = f"{quote(options.get('username', ''), safe='')}:{quote(options['password'], safe='')}"
    return f"{told}@" if told else ""


def _database_url(url: str, wanted: str) -> str:
    """Accept the usual `postgres://` spellings, name the driver that is installed, and take several hosts.

    libpq writes them as `//user@one:5432,two:5432/database`, SQLAlchemy among the options. Of several, the
    one that is `wanted` (libpq's `target_session_attrs`) is taken, unless the URL says otherwise.
    """
    scheme, _, rest = url.partition("://")
    if scheme not in ("postgres", "postgresql", DATABASE_SCHEME):
        return url
    place, separator, query = rest.partition("?")
    login, at, place = place.rpartition("@")
    hosts, _, database = place.partition("/")
    if "," in hosts:
        separator, query = "?", f"{_each_host(hosts)}&{query}".rstrip("&")
        place = f"/{database}"
    if ("," in hosts or query.count("host=") > 1) and "target_session_attrs=" not in query:
        query += f"&target_session_attrs={wanted}"
    return f"{DATABASE_SCHEME}://{login}{at}{place}{separator}{query}"


def _each_host(hosts: str) -> str:
    """Write `one:5433,two` as SQLAlchemy's options `host=one,two&port=5433,5432`."""
    places = [re.fullmatch(r"\[?(.*?)\]?(?::(\d+))?", host) for host in hosts.split(",")]
    names = ",".join(place[1] for place in places if place)
    return f"host={names}&port={','.join(place[2] or '5432' for place in places if place)}"


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
