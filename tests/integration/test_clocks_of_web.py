"""A web process' clock, or its stores', is set: log-ins, revocations and limits stand it both ways."""

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from limits import parse
from sqlalchemy import text

from models.database import Database
from models.live.redis import connect
from tests.support.servers import Stores
from tests.support.shop import Shop
from web.auth.issue import issue_access
from web.auth.revocation import RevokedFamilies
from web.auth.tokens import CLOCK_SKEW_S
from web.http.errors import TooManyRequests
from web.limits.counters import MOST_PAUSE_S, PREFIX, Counters
from web.limits.rate_limits import LimitStore

HOUR_S = 3_600
SetClock = Callable[[float], None]


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Set this process' clock, which its monotonic one does not heed."""
    true_time = time.time

    def set_by(seconds: float) -> None:
        monkeypatch.setattr(time, "time", lambda: true_time() + seconds)

    return set_by


class Families:
    """Log-ins that are revoked at a time of the ledger's clock, and a process that knows of them."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self.revoked = RevokedFamilies(shop.context.database, keep_s=900)

    def revoke(self, ago_s: float) -> uuid.UUID:
        """Revoke a log-in so long ago."""
        family = uuid.uuid4()
        with self._database.connection() as connection:
            connection.execute(
                text(
                    "INSERT INTO token_families (id, user_id, newest_jti, expires_at, revoked_at)"
                    " VALUES (:id, :user, :id, now() + interval '1 day', now() - make_interval(secs => :ago))"
                ),
                {"id": family, "user": self._shop.shopper(), "ago": ago_s},
            )
        return family

    def knows(self, family: uuid.UUID) -> bool:
        return family in self.revoked._revoked

    @property
    def _database(self) -> Database:
        return self._shop.context.database


@pytest.fixture
def families(shop: Shop) -> Iterator[Families]:
    made = Families(shop)
    yield made
    made.revoked.stop()


@pytest.mark.parametrize("by_s", [-HOUR_S, HOUR_S])
def test_what_was_revoked_is_not_forgotten_when_our_clock_is_set(
    families: Families, set_clock: SetClock, by_s: int
) -> None:
    family, own = families.revoke(1), uuid.uuid4()
    families.revoked.refresh()
    families.revoked.add(own)
    set_clock(by_s)
    families.revoked.refresh()
    assert families.knows(family)
    assert families.knows(own)


def test_what_was_revoked_just_before_the_ledgers_clock_was_set_ahead_is_read(families: Families) -> None:
    families.revoked.refresh()
    family = families.revoke(HOUR_S - 5)  # by the new time, which the look before did not know
    looked_at = families.revoked._looked_at
    assert looked_at is not None
    families.revoked._looked_at = looked_at - HOUR_S
    families.revoked.refresh()
    assert families.knows(family)


def test_what_is_revoked_after_the_ledgers_clock_was_set_back_is_read(families: Families) -> None:
    families.revoked.refresh()
    looked_at = families.revoked._looked_at
    assert looked_at is not None
    families.revoked._looked_at = looked_at + HOUR_S
    before, after = families.revoke(-HOUR_S), families.revoke(0)
    families.revoked.refresh()
    assert families.knows(before)
    assert families.knows(after)


def test_a_process_that_starts_after_the_ledgers_clock_was_set_ahead_knows_all(families: Families) -> None:
    family = families.revoke(900 + HOUR_S - 5)
    families.revoked.refresh()
    assert families.knows(family)


@pytest.mark.parametrize("ahead_s", [CLOCK_SKEW_S - 5, CLOCK_SKEW_S + 5])
def test_a_token_may_be_dated_by_a_clock_that_is_a_minute_ahead(make_app: Any, ahead_s: int) -> None:
    app = make_app()
    key = app.config["JWT_SECRET_KEY"]
    with app.app_context():
        claims = jwt.decode(
            issue_access(uuid.uuid4(), "shopper", uuid.uuid4()), options={"verify_signature": False}
        )
    now = int(time.time())
    token = jwt.encode(claims | {"iat": now + ahead_s, "exp": now + 900}, key, "HS256")
    answer = app.test_client().get("/api/v1/orders", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code == 401) == (ahead_s > CLOCK_SKEW_S)


def test_a_window_in_memory_ends_when_our_clock_is_set_back(set_clock: SetClock) -> None:
    store, item = LimitStore(""), parse("1/minute")
    store.hit(item, "ann")
    with pytest.raises(TooManyRequests):
        store.hit(item, "ann")
    set_clock(-HOUR_S)
    store.hit(item, "ann")


def test_a_shared_window_ends_when_redis_clock_is_set_back(stores: Stores, clean: None) -> None:  # noqa: ARG001
    store, item, who = LimitStore(stores.redis.url), parse("1/minute"), str(uuid.uuid4())
    store.hit(item, who)
    client = connect(stores.redis.url)
    (key,) = client.keys(f"*{who}*")  # type: ignore[misc]
    client.expire(key, HOUR_S)
    store.hit(item, who)
    client.expire(key, 60)
    with pytest.raises(TooManyRequests):
        store.hit(item, who)
    client.close()


def test_a_pause_of_another_time_is_over(stores: Stores, clean: None) -> None:  # noqa: ARG001
    counters, who = Counters(stores.redis.url), str(uuid.uuid4())
    assert counters.begin_pause(who, 30) == 0
    client = connect(stores.redis.url)
    client.expire(f"{PREFIX}pause:{who}", HOUR_S)
    assert counters.begin_pause(who, 30) == 0
    assert 0 < counters.begin_pause(who, 30) <= MOST_PAUSE_S
    client.close()
