"""The embedded PostgreSQL: a real one, on its data again and again."""

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine, text

from benchmarks.harness.processes import runs
from config import ROOT
from deploy.embedded import DirectoryInUse, EmbeddedPostgres, ServerFailed
from deploy.embedded.binaries import postgres_binaries
from tests.integration.embedded_run import wait_until

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has another identity to take on")


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        yield Path(place) / "data"


@pytest.fixture(scope="module")
def shared(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(data_dir)
    yield server
    server.stop()


@pytest.fixture
def server(shared: EmbeddedPostgres) -> EmbeddedPostgres:
    if not shared.is_alive():
        shared.start()
    return shared


def ask(server: EmbeddedPostgres, query: str) -> Any:
    engine = create_engine(server.url)
    try:
        with engine.begin() as connection:
            result = connection.execute(text(query))
            return result.scalar() if result.returns_rows else None
    finally:
        engine.dispose()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("max_connections", "300"),
        ("TimeZone", "UTC"),
        ("server_encoding", "UTF8"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
    ],
)
def test_it_is_set_up_to_keep_what_it_accepted(server: EmbeddedPostgres, setting: str, value: str) -> None:
    assert ask(server, f"SHOW {setting}") == value


def test_its_url_leads_to_the_database_app(server: EmbeddedPostgres) -> None:
    assert ask(server, "SELECT current_user || '@' || current_database()") == "app@app"


def test_nobody_else_gets_to_its_socket(server: EmbeddedPostgres) -> None:
    directory = server.socket_directory
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((directory / ".s.PGSQL.5432").stat().st_mode) == 0o700


def test_committed_rows_survive_a_kill(server: EmbeddedPostgres) -> None:
    ask(server, "CREATE TABLE kept AS SELECT 42 AS answer")
    server.kill()
    assert not server.is_alive()
    server.start()
    assert ask(server, "SELECT answer FROM kept") == 42


def test_a_clean_stop_does_not_wait_for_clients(server: EmbeddedPostgres) -> None:
    with psycopg.connect(host=str(server.socket_directory), user="app", dbname="app"):
        pid = server.pid
        assert pid is not None
        server.stop()
    assert not runs(pid)
    assert "database system is shut down" in server.log.read_text()


def test_a_second_one_on_the_same_data_is_refused(server: EmbeddedPostgres, data_dir: Path) -> None:
    with pytest.raises(DirectoryInUse):
        EmbeddedPostgres(data_dir).start(timeout_s=0.2)
    assert ask(server, "SELECT 1") == 1


def test_a_process_id_left_by_a_dead_server_is_no_obstacle(server: EmbeddedPostgres) -> None:
    server.kill()
    wait_until(lambda: not _is_locked(server))
    pid_file = server.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    # The id is a living process' that is no PostgreSQL, as after a restart of the machine.
    with subprocess.Popen(["sleep", "1000"]) as somebody:
        pid_file.write_text("\n".join([str(somebody.pid), *lines[1:]]) + "\n")
        try:
            server.start()
        finally:
            somebody.kill()
    assert ask(server, "SELECT 1") == 1


def test_it_is_found_at_the_same_place_again(server: EmbeddedPostgres, data_dir: Path) -> None:
    server.stop()
    again = EmbeddedPostgres(data_dir)
    assert again.url == server.url
    again.start()
    try:
        assert ask(again, "SELECT 1") == 1
    finally:
        again.stop()


def test_data_of_an_older_major_version_is_served_by_its_own_program(tmp_path: Path) -> None:
    oldest = postgres_binaries()[-1]
    if oldest.major == postgres_binaries()[0].major:
        pytest.skip("only one major version is installed")
    old = EmbeddedPostgres(tmp_path / "data")
    old.home.mkdir(parents=True)
    (old.home / "data").mkdir()
    (old.home / "data" / "PG_VERSION").write_text(f"{oldest.major}\n")
    assert old._choose_binary() == oldest


def test_data_of_an_unknown_version_is_left_alone(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "data")
    server.data.mkdir(parents=True)
    (server.data / "PG_VERSION").write_text("9\n")
    with pytest.raises(Exception, match="was made by PostgreSQL 9, which is not installed"):
        server.start()


def test_a_path_too_deep_for_a_socket_works_too_and_what_it_said_at_a_failed_start_is_told(
    tmp_path: Path,
) -> None:
    server = EmbeddedPostgres(tmp_path / "/".join(["deep"] * 20) / "data of a shop")
    server.start()
    try:
        assert ask(server, "SELECT 1") == 1
        assert server.socket_directory != server.home
        assert stat.S_IMODE(server.socket_directory.stat().st_mode) == 0o700
        server.stop()
        (server.data / "global" / "pg_control").unlink()
        with pytest.raises(ServerFailed, match="pg_control"):
            server.start()
        assert not server.is_alive()
    finally:
        server.stop()
        shutil.rmtree(server.socket_directory)


only_in_a_public_place = pytest.mark.skipif(
    not all(parent.stat().st_mode & stat.S_IXOTH for parent in (ROOT, *ROOT.parents)),
    reason="nobody cannot reach the binaries of a checkout that others may not enter",
)


@only_root
def test_root_runs_it_in_a_namespace_where_nobody_can_go_there(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    server = EmbeddedPostgres(tmp_path / "data")
    server.start()
    try:
        assert server.identity.kind == "namespace"
        assert server.data.stat().st_uid == 0
    finally:
        server.stop()


@only_root
@only_in_a_public_place
def test_root_runs_it_as_nobody_where_nobody_can_go_and_moved_away_it_still_starts(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        first = EmbeddedPostgres(Path(place) / "data")
        first.start()
        try:
            assert first.identity.kind == "user"
            assert Path(f"/proc/{first.pid}").stat().st_uid == first.data.stat().st_uid != 0
            assert stat.S_IMODE(first.data_dir.stat().st_mode) == 0o711
            ask(first, "CREATE TABLE kept AS SELECT 42 AS answer")
        finally:
            first.stop()
        subprocess.run(["cp", "-a", str(first.data_dir), str(tmp_path / "moved")], check=True)
    second = EmbeddedPostgres(tmp_path / "moved")
    second.start()
    try:
        assert second.identity.kind == "namespace"
        assert ask(second, "SELECT answer FROM kept") == 42
    finally:
        second.stop()


def _is_locked(server: EmbeddedPostgres) -> bool:
    try:
        with server._claim():
            return False
    except DirectoryInUse:
        return True
