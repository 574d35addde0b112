"""Owns the parts of a web process, wired once; views reach them through `services()`."""

from dataclasses import dataclass
from typing import Any, cast

from flask import current_app

from config import Settings
from models.database import Database
from models.live.store import Live
from tasks.context import Context, build_context
from tasks.runtime.ttl_cache import Remembered
from tasks.sales.overview import Overviews
from web.auth.devices import Devices
from web.auth.guard import LogInGuard
from web.auth.passwords import Passwords
from web.auth.revocation import RevokedFamilies
from web.auth.tokens import Tokens
from web.health.operators import Operators
from web.limits.counters import Counters
from web.limits.rate_limits import Limits
from web.metrics.money import MoneyCollector
from web.sockets.hub import Hub

EXTENSION = "services"


@dataclass(frozen=True, slots=True)
class Services:
    """What views may use. Nothing here connects before it is used for the first time."""

    settings: Settings
    context: Context
    database: Database
    live: Live
    tokens: Tokens
    revoked: RevokedFamilies
    passwords: Passwords
    guard: LogInGuard
    devices: Devices
    limits: Limits
    hub: Hub
    money: MoneyCollector
    overviews: Overviews
    operators: Operators
    metrics_text: Remembered[bytes]
    readiness: Remembered[Any]


def build_services(settings: Settings) -> Services:
    """Wire the parts. Imports the database's driver, so gevent must have patched before."""
    context = build_context(settings, settings.process_name)
    database = context.database
    revoked = RevokedFamilies(database, keep_s=longest_access_s(settings))
    tokens = Tokens(settings.secret_key, revoked, old_keys=settings.old_secret_keys)
    limits = Limits(settings)
    return Services(
        settings=settings,
        context=context,
        database=database,
        live=context.live,
        tokens=tokens,
        revoked=revoked,
        passwords=Passwords(),
        guard=LogInGuard(
            Counters(settings.redis_url), settings.rate_limits.login, enabled=settings.rate_limits_enabled
        ),
        devices=Devices(settings.secret_key, old_keys=settings.old_secret_keys),
        limits=limits,
        hub=Hub(settings, context, tokens, revoked, limits),
        money=MoneyCollector(database, context.providers.current.name),
        overviews=Overviews(context),
        operators=Operators(settings.ops, is_production=settings.is_production),
        metrics_text=Remembered(least_s=1.0, share=10, spare=10),
        readiness=Remembered(least_s=1.0, share=1, spare=10),
    )


def longest_access_s(settings: Settings) -> int:
    """How long an access token may live: a revocation is remembered as long. In seconds."""
    return (
        settings.access_token_s if settings.is_production else max(settings.access_token_s, MAX_CROWD_TTL_S)
    )


MAX_CROWD_TTL_S = 86_400  # seconds; load generators' tokens, which production does not give out


def services() -> Services:
    """The parts of the process that serves this request."""
    return cast(Services, current_app.extensions[EXTENSION])
