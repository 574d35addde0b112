"""The supervisor behind `make run`: one per data directory, nothing lost, nothing left behind."""

import json
import os
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from benchmarks.harness.processes import runs
from tests.integration.embedded_run import Supervised, wait_until

CONNINFO = "host={host} dbname=app user=app"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Supervised]:
    shop = Supervised(tmp_path)
    yield shop
    if shop.process and runs(shop.pid):
        shop.end(signal.SIGKILL)


def servers_of(shop: Supervised) -> dict[str, str]:
    found: dict[str, str] = json.loads((shop.data_dir / "servers.json").read_text())
    return found


def sql(shop: Supervised, query: str) -> list[tuple[Any, ...]]:
    url = servers_of(shop)["database_url"].replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(url) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervised]:
    """One that has started its servers; it ends in order, whatever happened to it."""
    shop = Supervised(tmp_path_factory.mktemp("running"))
    try:
        shop.start()
        yield shop
        assert shop.end(signal.SIGINT) == 0
    finally:
        if runs(shop.pid):
            shop.end(signal.SIGKILL)


def test_it_tells_where_the_shop_is_and_who_may_run_it(running: Supervised) -> None:
    admin = json.loads((running.data_dir / "admin.json").read_text())
    assert f"Shop      http://127.0.0.1:{running.port}\n" in running.text
    assert f"Admin     http://127.0.0.1:{running.port}/admin\n" in running.text
    assert f"E-mail    {admin['email']}\n" in running.text
    assert f"Password  {admin['password']}\n" in running.text
    for name in ("admin.json", "servers.json", "secret_key", "lock"):
        assert stat.S_IMODE((running.data_dir / name).stat().st_mode) == 0o600


def test_a_second_start_says_where_the_first_runs_and_harms_nothing(
    running: Supervised, shop: Supervised
) -> None:
    shop.data_dir = running.data_dir
    shop.launch()
    assert shop.process is not None
    assert shop.process.wait(30) == 1
    assert f"process {running.pid} serves http://127.0.0.1:{running.port}" in shop.text
    assert sql(running, "SELECT 1") == [(1,)]


@pytest.mark.parametrize("name", ["redis", "postgres"])
def test_a_server_that_dies_is_started_again(running: Supervised, name: str) -> None:
    marker = f"{name} runs as process "
    pid = int(running.text.split(marker)[1].split(";")[0])
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: f"{name} died" in running.text, lambda: running.text)
    wait_until(lambda: serves(running, name), lambda: running.text)


def serves(shop: Supervised, name: str) -> bool:
    try:
        if name == "redis":
            return bool(redis.Redis.from_url(servers_of(shop)["redis_url"]).ping())
        return sql(shop, "SELECT 1") == [(1,)]
    except (redis.ConnectionError, psycopg.OperationalError):
        return False


def test_a_port_in_use_is_refused_before_anything_is_started(shop: Supervised) -> None:
    with socket.create_server(("127.0.0.1", shop.port)):
        shop.launch()
        assert shop.process is not None
        assert shop.process.wait(30) == 1
    assert f"Port {shop.port} is in use" in shop.text
    assert not (shop.data_dir / "postgres").exists()


def test_a_release_that_fails_stops_everything(tmp_path: Path) -> None:
    procfile = "release: python -c 'raise SystemExit(\"cannot migrate\")'\nweb: sleep 1000\n"
    shop = Supervised(tmp_path, procfile)
    shop.launch()
    assert shop.process is not None
    assert shop.process.wait(60) == 1
    assert "release.1    | cannot migrate" in shop.text
    assert "release ended with exit code 1; nothing was started" in shop.text


def test_given_servers_are_used_and_none_are_embedded(shop: Supervised) -> None:
    shop.start(DATABASE_URL="postgresql://app@localhost/app", REDIS_URL="redis://localhost:1/0")
    assert servers_of(shop) == {"database_url": "", "redis_url": ""}
    assert not (shop.data_dir / "postgres").exists()
    assert not (shop.data_dir / "redis").exists()
    assert shop.end() == 0


def test_production_without_a_secret_is_refused(shop: Supervised) -> None:
    shop.launch(ENVIRONMENT="production")
    assert shop.process is not None
    assert shop.process.wait(30) == 1
    assert "SECRET_KEY must be set in production" in shop.text
