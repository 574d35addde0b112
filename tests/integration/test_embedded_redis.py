"""The embedded Redis: a real one, durable to the last write."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from deploy.embedded import DirectoryInUse, EmbeddedRedis
from deploy.embedded.errors import NoBinary


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    server = EmbeddedRedis(tmp_path / "data")
    server.start()
    yield server
    server.stop()


def client(server: EmbeddedRedis) -> "redis.Redis":
    return redis.Redis.from_url(server.url, decode_responses=True)


def test_it_is_set_up_to_keep_what_it_accepted(server: EmbeddedRedis) -> None:
    wanted = {
        "appendonly": "yes",
        "appendfsync": "always",
        "no-appendfsync-on-rewrite": "no",
        "save": "",
        "maxmemory-policy": "noeviction",
        "port": "0",
    }
    with client(server) as connection:
        assert {name: connection.config_get(name)[name] for name in wanted} == wanted
        assert int(connection.config_get("maxclients")["maxclients"]) >= 4000


def test_what_it_accepted_survives_a_kill(server: EmbeddedRedis) -> None:
    with client(server) as connection:
        connection.rpush("line", *range(1000))
    server.kill()
    server.start()
    with client(server) as connection:
        assert connection.llen("line") == 1000


def test_nobody_else_gets_to_its_socket(server: EmbeddedRedis) -> None:
    assert stat.S_IMODE(server.socket_path.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.socket_path.parent.stat().st_mode) == 0o700


def test_a_second_one_on_the_same_data_is_refused(server: EmbeddedRedis) -> None:
    with pytest.raises(DirectoryInUse):
        EmbeddedRedis(server.data_dir).start(timeout_s=0.2)
    with client(server) as connection:
        assert connection.ping()


def test_data_of_a_newer_version_is_not_opened_by_an_older_one(server: EmbeddedRedis) -> None:
    server.stop()
    (server.home / "REDIS_VERSION").write_text("99.0.1\n")
    with pytest.raises(NoBinary, match=r"Redis 99\.0\.1 wrote"):
        server.start()


def test_it_takes_as_many_clients_as_the_machine_lets_it(server: EmbeddedRedis) -> None:
    limits = Path(f"/proc/{server.pid}/limits").read_text()
    [files] = [line.split() for line in limits.splitlines() if line.startswith("Max open files")]
    assert int(files[3]) == min(int(files[4]), 1_048_576)


def test_a_directory_of_another_user_is_left_alone(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can lay somebody else's directory there")
    server = EmbeddedRedis(tmp_path / "data with a space")
    place = server.socket_path.parent
    place.mkdir(mode=0o700)
    try:
        os.chown(place, 12345, 12345)
        with pytest.raises(Exception, match="belongs to another user"):
            server.start()
    finally:
        place.rmdir()
