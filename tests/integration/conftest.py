"""The app over real servers, and the people that tests send to it."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func

from config import LogInSettings, RateLimits, Settings, load_settings
from models.database import Database
from models.enums import Role, StaffRole
from models.tables.accounts import TokenFamily, User
from tests.integration.sandbox_play import Play
from tests.support.mailing import MailShop, mail_shop_over
from tests.support.paying import Till
from tests.support.postbox import Postbox, postbox_open
from tests.support.servers import Stores
from tests.support.shop import Shop
from web import create_app
from web.auth import hashing
from web.auth.hashing import Passwords
from web.auth.issue import issue_pair
from web.http.services import EXTENSION, Services

PASSWORD = "correct horse battery"
SECRET_KEY = "0f3b8e5d9c7a4162b8d0e6f1a2c3948576d1e0f9b8a7c6d5"
GENEROUS = "1000000/minute"
CHEAP_KIB = 8  # the least that argon2 takes
AT_ONCE = LogInSettings(cpu_share=1.0)

MakeApp = Callable[..., Flask]
MakeAccount = Callable[..., "Account"]


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody with an account, signed in."""

    id: uuid.UUID
    email: str
    role: str
    family: uuid.UUID
    access_token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}

    @property
    def refresh_headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.refresh_token}"}


@pytest.fixture(scope="session")
def settings(database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", database_url)
        patch.setenv("REDIS_URL", redis_url)
        patch.setenv("BROKER_URL", "")
        patch.setenv("SECRET_KEY", SECRET_KEY)
        patch.setenv("ENVIRONMENT", "development")
        patch.setenv("DATA_DIR", str(tmp_path_factory.mktemp("data")))
        read = load_settings()
    limits = RateLimits(*(GENEROUS for _ in RateLimits.__dataclass_fields__))
    return replace(read, rate_limits=limits, log_ins=AT_ONCE, database_pool_size=8)


@pytest.fixture(scope="session")
def _app(settings: Settings) -> Iterator[Flask]:
    with cheap_passwords():
        app = create_app(settings)
    yield app
    _stop(app)


@pytest.fixture
def app(_app: Flask, clean: None) -> Flask:  # noqa: ARG001
    """The app with generous limits, over empty stores."""
    return _app


@pytest.fixture
def make_app(settings: Settings, clean: None) -> Iterator[MakeApp]:  # noqa: ARG001
    """Other apps, over the same stores: `make_app(environment="production", …)`."""
    made: list[Flask] = []

    def make(**changes: Any) -> Flask:
        with cheap_passwords():
            made.append(create_app(replace(settings, **changes)))
        return made[-1]

    yield make
    for one in made:
        _stop(one)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def parts(app: Flask) -> Services:
    found: Services = app.extensions[EXTENSION]
    return found


@pytest.fixture(scope="session")
def password_hash() -> str:
    with cheap_passwords():
        return Passwords().hash(PASSWORD)


@pytest.fixture
def make_account(app: Flask, parts: Services, password_hash: str) -> MakeAccount:
    """Accounts that can sign in with `PASSWORD` and are signed in already."""

    def make(role: str = Role.SHOPPER, staff_role: StaffRole = StaffRole.OWNER) -> Account:
        user = User(
            id=uuid.uuid4(),
            email=f"{uuid.uuid4().hex}@example.com",
            role=role,
            staff_role=staff_role if role == Role.ADMIN else None,
            password_hash=password_hash,
        )
        family, jti = uuid.uuid4(), uuid.uuid4()
        with parts.database.transaction() as session:
            session.add(user)
            session.flush()
            lives_until = func.now() + func.make_interval(0, 0, 0, 1)
            session.add(TokenFamily(id=family, user_id=user.id, newest_jti=jti, expires_at=lives_until))
        with app.app_context():
            pair = issue_pair(user.id, role, family, jti, staff_role=user.staff_role)
        return Account(user.id, user.email, role, family, pair.access_token, pair.refresh_token)

    return make


@pytest.fixture
def shopper(make_account: MakeAccount) -> Account:
    return make_account()


@pytest.fixture
def admin(make_account: MakeAccount) -> Account:
    return make_account(Role.ADMIN)


@contextmanager
def cheap_passwords() -> Iterator[None]:
    """Have what hashes be made with the least cost: its true cost is proven elsewhere, and takes long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashing, "MEMORY_KIB", CHEAP_KIB)
        patch.setattr(hashing, "TIME_COST", 1)
        yield


def _stop(app: Flask) -> None:
    stopped: Services = app.extensions[EXTENSION]
    stopped.revoked.stop()
    stopped.asked_links.stop()
    stopped.database.dispose()


@pytest.fixture(scope="session")
def _books(database_url: str) -> Iterator[Database]:
    """A way to the ledger that what the sandbox asks is compiled for once."""
    database = Database(database_url, pool_size=10)
    yield database
    database.dispose()


@pytest.fixture
def play(_books: Database, clean: None) -> Play:  # noqa: ARG001
    """The sandbox over real books, and somebody who asks it things."""
    return Play(_books)


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    """An SMTP server that takes what comes."""
    with postbox_open() as opened:
        yield opened


@pytest.fixture
def mailing(stores: Stores, clean: None) -> Iterator[MailShop]:  # noqa: ARG001
    """A shop that writes mails, for a server that nobody runs."""
    with mail_shop_over(stores, Postbox(port=9).settings) as made:
        yield made


@pytest.fixture
def till(shop: Shop) -> Till:
    """Where the sales of the shop are paid, by a provider that says what the test has it say."""
    return Till.over(shop.context)
