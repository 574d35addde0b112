"""The measurement of what shoppers ask for again and again: intents, orders, and new tokens.

One gunicorn process with the project's settings on one core, beside the bare route on the same core.
"""

import time
from collections.abc import Sequence
from typing import Final

import jwt
from sqlalchemy import text

from benchmarks.client.http_wire import build_request
from benchmarks.speed.over_http import PER_S, Loaded, Note, Served, kept_apart, load_bare, run, serve
from benchmarks.speed.workbench import Place, Shopper
from benchmarks.speed.workload import fill_line, open_sale
from models.tables.catalogue import Sale
from tasks.intents.drain import drain_sale
from web.auth.tokens import ALGORITHM, AUDIENCE, ISSUER, REFRESH

LIFE_S: Final = 3600

_ORDERS: Final = text("SELECT user_id::text, id::text FROM orders WHERE sale_id = :sale_id")
_FAMILIES: Final = text(
    "SELECT user_id::text, id::text AS family, newest_jti::text FROM token_families"
    " WHERE user_id = ANY(CAST(:users AS uuid[]))"
)


def measure_polls(place: Place, crowd: Sequence[Shopper], rounds: int, requests: int, note: Note) -> None:
    """Load the bare route and the shop in turn.

    Raises:
        CannotMeasure: an answer was not what it should be.
    """
    people = crowd[:requests]
    with kept_apart() as own:
        bare_one = serve(place, "bare", "benchmarks.speed.bare_app:create_app()", cores=own)
        shop_one = serve(place, "shop", "web:create_app()", cores=own)
        with bare_one as bare, shop_one as shop:
            load_bare(bare, people)
            for _ in range(rounds):
                _note(note, "bare route beside polls", load_bare(bare, people))
                _measure_round(place, shop, people, note)


def _measure_round(place: Place, shop: Served, people: Sequence[Shopper], note: Note) -> None:
    sale = open_sale(place, units=len(people))
    fill_line(place, sale, [user for user, _ in people])
    line = place.context.live.page(sale.id, limit=len(people)).intents
    intents = {one.user_id: f"/api/v1/intents/{one.intent_id}" for one in line}
    _note(note, "intent polled, queued", _poll(shop, people, intents))
    while drain_sale(place.context, sale.id):
        pass
    _note(note, "intent polled, decided just now", _poll(shop, people, intents))
    _note(note, "intent polled, its verdict known", _poll(shop, people, intents))
    _note(note, "order polled", _poll(shop, people, _orders_of(place, sale)))
    _note(note, "refresh", _refresh(place, shop, people))


def _note(note: Note, name: str, loaded: Loaded) -> None:
    note(name, PER_S, loaded.per_second)
    note(f"{name}, CPU", "µs/request", loaded.cpu_us)


def _poll(shop: Served, people: Sequence[Shopper], paths: dict[str, str]) -> Loaded:
    requests = [
        build_request("GET", paths[user], shop.target, headers={"Authorization": f"Bearer {token}"})
        for user, token in people
    ]
    return run(shop, requests, 200)


def _orders_of(place: Place, sale: Sale) -> dict[str, str]:
    with place.context.database.connection() as connection:
        rows = connection.execute(_ORDERS, {"sale_id": sale.id}).all()
    return {user: f"/api/v1/orders/{order}" for user, order in rows}


def _refresh(place: Place, shop: Served, people: Sequence[Shopper]) -> Loaded:
    requests = [
        build_request(
            "POST", "/api/v1/auth/refresh", shop.target, headers={"Authorization": f"Bearer {token}"}
        )
        for token in _refresh_tokens(place, people)
    ]
    return run(shop, requests, 200)


def _refresh_tokens(place: Place, people: Sequence[Shopper]) -> list[str]:
    """Sign the newest refresh token of each, as the shop would have."""
    with place.context.database.connection() as connection:
        rows = connection.execute(_FAMILIES, {"users": [user for user, _ in people]}).all()
    now = int(time.time())
    shared = {"role": "shopper", "type": REFRESH, "iss": ISSUER, "aud": AUDIENCE, "iat": now}
    return [
        jwt.encode(
            {**shared, "sub": row.user_id, "fam": row.family, "jti": row.newest_jti, "exp": now + LIFE_S},
            place.context.settings.secret_key,
            ALGORITHM,
        )
        for row in rows
    ]
