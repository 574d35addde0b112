"""Builds the Flask app of a web process: settings, services, blueprints, errors and middleware."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from flask import Blueprint, Flask, Request
from flask.sessions import SessionInterface

from config import Settings, load_settings, refuse_weak_secret
from web import control_room, docs
from web.account import (
    addresses,
    confirmation,
    follows,
    notifications,
    passwords,
    privacy,
    profile,
    pushes,
    second_factor,
    sessions,
)
from web.api import admin, intents, order_links, orders, payments, products, sales, tasks
from web.auth import routes as accounts
from web.auth import session
from web.auth.cookies import cookie_prefix
from web.auth.issue import configure_tokens
from web.cli import register_commands
from web.connection.plain_requests import PlainRequests
from web.health import metrics, probes
from web.http import errors, logs, middleware
from web.http.json import OrjsonProvider
from web.http.openapi import PREFIX, Api
from web.http.openapi import Blueprint as ApiBlueprint
from web.http.request_id import MAX_BODY_BYTES, ShopRequest
from web.http.services import EXTENSION, Services
from web.limits.proxies import Proxies
from web.shop import account as account_pages
from web.shop import assets, languages, legal
from web.shop import views as pages
from web.sockets import socket as live
from web.staff import joining
from web.wiring import build_services

PREPARE: Final = "prepare"  # its name among the app's extensions, by which the worker finds it
FINISH: Final = "finish"  # likewise what is done once it has stopped
SPARES_PEER: Final = "spares_peer"  # likewise
PLAIN: Final = "plain"  # likewise

API_BLUEPRINTS: Final[Sequence[ApiBlueprint]] = (  # documented, under /api/v1
    accounts.blueprint,
    addresses.blueprint,
    passwords.blueprint,
    profile.blueprint,
    notifications.blueprint,
    sessions.blueprint,
    confirmation.blueprint,
    second_factor.blueprint,
    privacy.blueprint,
    products.blueprint,
    sales.blueprint,
    intents.blueprint,
    payments.blueprint,
    order_links.blueprint,
    orders.blueprint,
    tasks.blueprint,
    follows.blueprint,
    pushes.blueprint,
    joining.blueprint,
    *admin.BLUEPRINTS,
)
BLUEPRINTS: Final[Sequence[Blueprint]] = (  # everything else, under the paths that they name
    session.blueprint,
    probes.blueprint,
    metrics.blueprint,
    docs.blueprint,
    pages.blueprint,
    account_pages.blueprint,
    legal.blueprint,
    account_pages.mailed.blueprint,
    account_pages.notifications.unsubscribing,
    control_room.blueprint,
    live.blueprint,
)


FLASK_SETTINGS: Final[dict[str, Any]] = {
    "MAX_CONTENT_LENGTH": MAX_BODY_BYTES,
    "PROPAGATE_EXCEPTIONS": False,
    "API_TITLE": "Flash sale",
    "API_VERSION": "v1",
    "OPENAPI_VERSION": "3.0.3",
    "OPENAPI_URL_PREFIX": PREFIX,
    "SEND_FILE_MAX_AGE_DEFAULT": 0,
    "SOCK_SERVER_OPTIONS": live.HANDSHAKE_ONLY,
}


class NoSessions(SessionInterface):
    """There is nothing in Flask's own session, and opening it would cost every request 15 µs."""

    def open_session(self, app: Flask, request: Request) -> None:
        """Open none."""


class Shop(Flask):
    """Flask with our requests and our JSON, and without sessions: who is signed in, tokens say."""

    request_class = ShopRequest
    json_provider_class = OrjsonProvider
    session_interface = NoSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """No view here is a coroutine; Flask would look closely at each of them at every request."""
        return func


def create_app(settings: Settings | None = None) -> Flask:
    """Wire one web process. Opens no connection; that happens with the first request that needs one."""
    settings = settings or load_settings()
    for key in settings.secret_keys:
        refuse_weak_secret(key)
    logs.configure(settings)
    app = Shop("web", static_folder=None)
    app.config.update(FLASK_SETTINGS)
    services = build_services(settings)
    app.extensions[EXTENSION] = services
    live.register(app, settings, services)
    if (stripe := services.context.providers.stripe) is not None:
        stripe.load()
    configure_tokens(app, settings)
    errors.register(app)
    services.reads.register(app)
    middleware.register(app, settings)
    languages.register(app, cookie_prefix=cookie_prefix(settings))
    files = assets.register(app, are_settled=settings.is_production)
    api = _register_blueprints(app)
    register_commands(app)
    proxies = Proxies(settings.trusted_proxies)
    proxies.register(app)
    if settings.plain_requests:
        app.extensions[PLAIN] = PlainRequests(services, proxies, files.reply, app.logger)
    app.extensions[PREPARE] = partial(_prepare, app, settings, api)
    app.extensions[FINISH] = services.asked_links.stop
    app.extensions[SPARES_PEER] = partial(_spares_peer, services, settings)
    return app


def _spares_peer(services: Services, settings: Settings, peer: str) -> bool:
    """Whether connections of a peer are not counted: a proxy's are those of everybody behind it."""
    return settings.trusted_proxies > 0 or services.limits.spares(peer)


def _prepare(app: Flask, settings: Settings, api: Api) -> None:
    """Start the process's own work; for production make what a process would wait for and grow by later."""
    app.extensions[EXTENSION].process.start()
    if settings.is_production:  # a developer waits for the start, and not for a page's first visit
        _make_whole(app, api)


def _make_whole(app: Flask, api: Api) -> None:
    api.describe_all()
    for name in app.jinja_env.list_templates():
        app.jinja_env.get_template(name)
    languages.read_all()


def _register_blueprints(app: Flask) -> Api:
    api = Api(app, spec_kwargs=docs.SPEC)
    for documented in API_BLUEPRINTS:
        api.register_blueprint(documented, url_prefix=PREFIX + (documented.url_prefix or ""))
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    return api
