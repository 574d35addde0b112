"""The stores behind passwords and TLS: what the settings say is what every client of ours does."""

import json
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from celery import Celery
from sqlalchemy import text

from benchmarks.harness.processes import free_port
from config import Settings, load_settings
from deploy.embedded import EmbeddedPostgres, EmbeddedRedis
from deploy.embedded.binaries import Binary, postgres_binaries, redis_binaries
from models.database import Database
from models.errors import FlashSaleError
from models.live.redis import connect, translated
from models.migrate import upgrade
from tests.support.certificates import OPENSSL, Authority, speaks_tls
from tests.support.contexts import context_over
from web import create_app
from web.health.readiness import Readiness

SECRET_KEY = "0f3b8e5d9c7a4162b8d0e6f1a2c3948576d1e0f9b8a7c6d5"
PASSWORD = "p@ss/wörd"
LOGIN = f":{quote(PASSWORD, safe='')}@"

Load = Callable[..., Settings]


class RedisWithPassword(EmbeddedRedis):
    """Redis that lets in who knows the password; with a certificate it speaks TLS on a port of localhost."""

    def __init__(self, place: Path, binary: Binary, certificate: tuple[Path, Path] | None = None) -> None:
        super().__init__(place)
        self.binary = binary
        self.certificate = certificate
        self.port = free_port()

    def _choose_binary(self) -> Binary:
        return self.binary

    def _command(self) -> list[str]:
        tls: list[str] = []
        if self.certificate:
            certificate, key = map(str, self.certificate)
            tls = ["--tls-port", str(self.port), "--bind", "127.0.0.1", "--tls-auth-clients", "no"]
            tls += ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate]
        return [*super()._command(), "--requirepass", PASSWORD, *tls]

    def answers(self) -> bool:
        """It may say that it wants a password, which an answer is."""
        return self.is_alive() and self.socket_path.exists()


class PostgresWithTls(EmbeddedPostgres):
    """PostgreSQL that speaks TLS on a port of localhost."""

    def __init__(self, place: Path, binary: Binary, certificate: tuple[Path, Path]) -> None:
        super().__init__(place)
        self.binary = binary
        self.certificate = certificate
        self.tcp_port = free_port()

    def _choose_binary(self) -> Binary:
        return self.binary

    def _prepare(self) -> None:
        super()._prepare()
        for file, name in zip(self.certificate, ("server.crt", "server.key"), strict=True):
            kept = self.data / name
            shutil.copy(file, kept)
            kept.chmod(0o600)
            shutil.chown(kept, self.data.stat().st_uid, self.data.stat().st_gid)

    def answers(self) -> bool:
        with suppress(psycopg.OperationalError):
            psycopg.connect(host=str(self.socket_directory), port=self.tcp_port, user="app").close()
            return True
        return False

    def _command(self) -> list[str]:
        settings = {"ssl": "on", "listen_addresses": "127.0.0.1", "port": str(self.tcp_port)}
        return [*super()._command(), *(word for pair in settings.items() for word in ("-c", "=".join(pair)))]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    if OPENSSL is None:
        pytest.skip("no openssl on this machine")
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(authority: Authority) -> Authority:
    """Another authority, whom nobody here asked."""
    return Authority(authority.directory / "stranger")


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Settings, clean: None) -> Load:  # noqa: ARG001
    def load(**environment: str) -> Settings:
        given = {"DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url, "BROKER_URL": ""}
        own = {"SECRET_KEY": SECRET_KEY, "DATA_DIR": str(tmp_path)}
        for name, value in (own | given | environment).items():
            monkeypatch.setenv(name, value)
        return load_settings()

    return load


@pytest.fixture(scope="module")
def tls_redis(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisWithPassword]:
    fit = [binary for binary in redis_binaries() if speaks_tls(binary.path)]
    if not fit:
        pytest.skip("no redis-server with TLS on this machine, e.g. Debian's")
    server = RedisWithPassword(tmp_path_factory.mktemp("r"), fit[0], authority.certify("localhost"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def tls_postgres(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresWithTls]:
    fit = [binary for binary in postgres_binaries() if speaks_tls(binary.path)]
    if not fit:
        pytest.skip("no PostgreSQL with TLS on this machine, e.g. Debian's")
    server = PostgresWithTls(tmp_path_factory.mktemp("p"), fit[0], authority.certify("localhost"))
    server.start()
    yield server
    server.stop()


def test_all_of_us_speak_to_a_redis_behind_password_and_tls(
    load: Load, tls_redis: RedisWithPassword, authority: Authority
) -> None:
    for asks in ("", "&ssl_cert_reqs=required", "&ssl_cert_reqs=CERT_REQUIRED"):
        url = f"rediss://{LOGIN}localhost:{tls_redis.port}/0?ssl_ca_certs={authority.certificate}{asks}"
        assert_all_reach_it(load(REDIS_URL=url))
    apart = load(
        BROKER_URL=f"rediss://{LOGIN}localhost:{tls_redis.port}?db=1&ssl_ca_certs={authority.certificate}"
    )
    assert_all_reach_it(apart)


def test_none_of_us_believes_a_redis_that_cannot_show_who_it_is(
    load: Load, tls_redis: RedisWithPassword, authority: Authority, stranger: Authority
) -> None:
    good = f"ssl_ca_certs={authority.certificate}"
    for where, query in (
        (f"{LOGIN}localhost", ""),
        (f"{LOGIN}localhost", f"?ssl_ca_certs={stranger.certificate}"),
        (f"{LOGIN}127.0.0.1", f"?{good}"),  # the certificate is another host's
        (":wrong@localhost", f"?{good}"),
        ("localhost", f"?{good}"),
    ):
        assert_nobody_reaches_it(load(REDIS_URL=f"rediss://{where}:{tls_redis.port}/0{query}"))


def test_all_of_us_speak_to_a_redis_behind_a_password_on_a_socket(load: Load, tmp_path: Path) -> None:
    server = RedisWithPassword(tmp_path, redis_binaries()[-1])
    server.start()
    try:
        for url in (
            f"unix://{LOGIN}{server.socket_path}?db=0",
            f"unix://{server.socket_path}?db=0&password={quote(PASSWORD, safe='')}",
        ):
            assert_all_reach_it(load(REDIS_URL=url))
        assert_nobody_reaches_it(load(REDIS_URL=f"unix://:wrong@{server.socket_path}?db=0"))
    finally:
        server.stop()


def test_the_ledger_is_reached_by_tls_that_checks_who_is_there(
    load: Load, tls_postgres: PostgresWithTls, authority: Authority, stranger: Authority
) -> None:
    def url(host: str, authority: Authority) -> str:
        asks = f"sslmode=verify-full&sslrootcert={authority.certificate}"
        return f"postgresql://app@{host}:{tls_postgres.tcp_port}/app?{asks}"

    database = Database(load(DATABASE_URL=url("localhost", authority)).database_url)
    try:
        upgrade(database)
        with database.connection() as connection:
            asked = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            assert connection.scalar(text(asked)) is True
    finally:
        database.dispose()
    for bad in (url("localhost", stranger), url("127.0.0.1", authority)):
        refused = Database(load(DATABASE_URL=bad).database_url)
        with pytest.raises(FlashSaleError), refused.connection():
            pass
        refused.dispose()


def assert_all_reach_it(settings: Settings) -> None:
    """The live client, the limits and readiness; Celery, which sends a message and finds it."""
    ready = readiness(settings)
    assert [ready[name]["ok"] for name in ("redis", "redis_durability", "broker")] == [True] * 3, ready
    assert connect(settings.redis_url).ping()
    with Celery("tests", broker=settings.broker_url, set_as_current=False).connection_for_read() as broker:
        queue = broker.SimpleQueue(uuid.uuid4().hex)
        queue.put("a bell")
        assert queue.get(timeout=10).payload == "a bell"
        queue.close()


def assert_nobody_reaches_it(settings: Settings) -> None:
    with context_over(settings) as context:
        parts: Any = SimpleNamespace(settings=settings, context=context, database=context.database)
        ready = Readiness(parts).check()
    assert [ready[name].ok for name in ("redis", "broker")] == [False] * 2, ready
    with pytest.raises(FlashSaleError), translated():
        connect(settings.redis_url).ping()


def readiness(settings: Settings) -> dict[str, dict[str, bool]]:
    app = create_app(settings)
    try:
        told: dict[str, dict[str, bool]] = json.loads(app.test_client().get("/readyz").data)["checks"]
    finally:
        app.extensions["services"].revoked.stop()
        app.extensions["services"].database.dispose()
    return told
