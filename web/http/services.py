"""The parts of a web process; views reach them through `services()`. `web/wiring.py` makes them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from flask import current_app

from config import Settings
from models.database import Database
from models.live.store import Live
from tasks.accounts.log_ins import Renewal, Renewed
from tasks.context import Context
from tasks.intake.gathering import Gathering
from tasks.intents.polls import Polls, Standings
from tasks.payments.pay import PaymentDesk
from tasks.runtime.ttl_cache import TtlCache
from tasks.sales.overview import Overviews

if TYPE_CHECKING:
    from web.account.asked_links import AskedLinks
    from web.auth.devices import Devices
    from web.auth.hashing import Passwords
    from web.auth.log_in_guard import LogInGuard
    from web.auth.revocation import RevokedFamilies
    from web.auth.tokens import Tokens
    from web.health.operators import Operators
    from web.limits.rate_limits import Limits
    from web.metrics.money import MoneyFigures
    from web.metrics.platform_page import PlatformFigures
    from web.metrics.process import ProcessFigures
    from web.metrics.shared import SharedFigures
    from web.reads.serving import Reading
    from web.sockets.hub import Hub
    from web.staff.api_keys import Keys

EXTENSION = "services"


@dataclass(frozen=True, slots=True)
class Services:
    """What views may use. Nothing here connects before it is used for the first time."""

    settings: Settings
    context: Context
    database: Database
    live: Live
    tokens: "Tokens"
    revoked: "RevokedFamilies"
    keys: "Keys"
    passwords: "Passwords"
    guard: "LogInGuard"
    devices: "Devices"
    asked_links: "AskedLinks"
    limits: "Limits"
    hub: "Hub"
    reads: "Reading"
    desk: PaymentDesk
    money: "MoneyFigures"
    platform: "PlatformFigures"
    process: "ProcessFigures"
    shared: "SharedFigures | None"
    overviews: Overviews
    standings: Standings
    polls_of_intents: Polls
    polls_of_orders: Polls
    renewals: Gathering[None, Renewal, Renewed | None]
    operators: "Operators"
    metrics_text: TtlCache[bytes]
    readiness: TtlCache[Any]


def longest_access_s(settings: Settings) -> int:
    """How long an access token may live: a revocation is remembered as long. In seconds."""
    return (
        settings.access_token_s if settings.is_production else max(settings.access_token_s, MAX_CROWD_TTL_S)
    )


MAX_CROWD_TTL_S = 86_400  # seconds; load generators' tokens, which production does not give out


def services() -> Services:
    """The parts of the process that serves this request."""
    return cast(Services, current_app.extensions[EXTENSION])
