"""Where the embedded servers keep their things, and whom they let in."""

import json
import os
import stat
from pathlib import Path

import pytest

from deploy.embedded.errors import UnsafePlace
from deploy.embedded.places import (
    LOG_BYTES,
    SOCKET_PATH_BYTES,
    make_data_dir,
    make_private,
    open_log,
    require_own,
    socket_directory,
    write_servers_file,
)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_fresh_data_directory_is_private(tmp_path: Path) -> None:
    assert mode_of(make_data_dir(tmp_path / "a" / "data")) == 0o700


def test_a_data_directory_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_data_dir(tmp_path)
    assert mode_of(tmp_path) == 0o755


def test_a_data_directory_that_everybody_can_write_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(UnsafePlace, match="Everybody can write"):
        make_data_dir(tmp_path)


def test_a_data_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnsafePlace, match="Cannot make"):
        make_data_dir(tmp_path / "file" / "data")


def test_a_private_directory_is_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o777)
    assert mode_of(make_private(tmp_path / "open")) & 0o077 & ~0o011 == 0


def test_a_link_laid_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/")
    with pytest.raises(UnsafePlace, match="must be a directory"):
        make_private(tmp_path / "link")


def test_somebody_elses_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsafePlace, match="belongs to another user"):
        require_own(tmp_path, {os.geteuid() + 1})


def test_sockets_live_with_the_data_where_the_path_allows() -> None:
    assert socket_directory(Path("/srv/data/redis"), "redis.sock") == Path("/srv/data/redis")


@pytest.mark.parametrize("home", ["/srv/" + "deep/" * 30 + "redis", "/srv/my shop/redis", "/srv/50%/redis"])
def test_sockets_of_awkward_places_live_elsewhere_and_always_at_the_same_place(home: str) -> None:
    first = socket_directory(Path(home), "redis.sock")
    assert first == socket_directory(Path(home), "redis.sock")
    assert first != Path(home)
    assert len(str(first / "redis.sock")) <= SOCKET_PATH_BYTES
    assert first != socket_directory(Path(home + "2"), "redis.sock")


def test_the_servers_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    write_servers_file(tmp_path, "postgresql://a", "unix://b")
    write_servers_file(tmp_path, "postgresql://c", "")
    file = tmp_path / "servers.json"
    assert json.loads(file.read_text()) == {"database_url": "postgresql://c", "redis_url": ""}
    assert mode_of(file) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_long_log_is_set_aside(tmp_path: Path) -> None:
    log = open_log(tmp_path, "redis")
    with log.open("wb") as file:
        file.truncate(LOG_BYTES + 1)
    assert open_log(tmp_path, "redis").stat().st_size == 0
    assert (tmp_path / "log" / "redis.log.1").stat().st_size == LOG_BYTES + 1
    assert mode_of(log) == 0o600
