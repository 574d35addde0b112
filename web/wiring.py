"""Makes the parts of a web process, once, and joins them. Only `web/app.py` needs it."""

from functools import partial

from config import Settings
from tasks.accounts.log_ins import gather_renewals
from tasks.accounts.mailed_links import mail_asked_link
from tasks.context import Context, build_context
from tasks.intents.polls import polls_of_intents, polls_of_orders, standings
from tasks.payments.pay import PaymentDesk
from tasks.runtime.ttl_cache import TtlCache
from tasks.sales.overview import Overviews
from web.account.asked_links import AskedLinks
from web.auth.cookies import cookie_name
from web.auth.devices import Devices
from web.auth.hashing import Passwords
from web.auth.log_in_guard import LogInGuard
from web.auth.revocation import RevokedFamilies
from web.auth.tokens import Tokens
from web.health.operators import Operators
from web.http.services import Services, longest_access_s
from web.limits.counters import Counters
from web.limits.rate_limits import Limits
from web.metrics import process
from web.metrics.money import MoneyFigures
from web.metrics.platform_page import PlatformFigures
from web.metrics.shared import SharedFigures
from web.reads.answer_cache import Reads
from web.reads.serving import Reading
from web.shop.languages import COOKIE, variant_for
from web.sockets.hub import Hub
from web.staff.api_keys import Keys


def build_services(settings: Settings) -> Services:
    """Wire the parts. Imports the database's driver, so gevent must have patched before."""
    context = build_context(settings, settings.process_name)
    database = context.database
    revoked = RevokedFamilies(
        database, keep_s=longest_access_s(settings), beside=context.sale_cache.take_settings
    )
    tokens = Tokens(settings.secret_key, revoked, old_keys=settings.old_secret_keys)
    limits = Limits(settings)
    reads = Reads()
    passwords = Passwords(settings.log_ins, processes=settings.web_processes)
    hub = Hub(settings, context, tokens, revoked, limits, reads=reads)
    return Services(
        settings=settings,
        context=context,
        database=database,
        live=context.live,
        tokens=tokens,
        revoked=revoked,
        keys=Keys(context),
        passwords=passwords,
        guard=LogInGuard(
            Counters(settings.redis_url), settings.rate_limits.login, enabled=settings.rate_limits_enabled
        ),
        devices=Devices(settings.secret_key, old_keys=settings.old_secret_keys),
        asked_links=AskedLinks(partial(mail_asked_link, context)),
        limits=limits,
        hub=hub,
        reads=Reading(reads, partial(variant_for, cookie_name(COOKIE, settings)), hub.listen),
        desk=PaymentDesk(context),
        money=MoneyFigures(database, context.providers.current.name),
        platform=PlatformFigures(context),
        process=_process_figures(context, passwords, hub),
        shared=SharedFigures(settings.metrics_dir) if settings.metrics_dir else None,
        overviews=Overviews(context),
        standings=standings(context),
        polls_of_intents=polls_of_intents(context),
        polls_of_orders=polls_of_orders(context),
        renewals=gather_renewals(context),
        operators=Operators(settings.ops, is_production=settings.is_production),
        metrics_text=TtlCache(least_s=1.0, share=10, spare=10),
        readiness=TtlCache(least_s=1.0, share=1, spare=10),
    )


def _process_figures(context: Context, passwords: Passwords, hub: Hub) -> process.ProcessFigures:
    database, hashing = context.database, passwords.share
    return process.ProcessFigures(
        context,
        {
            process.CONNECTIONS: lambda: database.connections_in_use,
            process.CONNECTIONS_MOST: lambda: database.connections_limit,
            process.SILENT: lambda: database.guard is not None and database.guard.is_open,
            process.HASHING: lambda: hashing.waiting,
            process.HASHING_MOST: lambda: hashing.most_waiting,
            process.SOCKETS_MOST: lambda: hub.capacity,
        },
    )
