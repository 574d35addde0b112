"""A ledger that was dumped in mid-sale is restored on an empty machine, audited, and sells on."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.embedded import EmbeddedPostgres
from deploy.embedded.binaries import postgres_binaries
from tests.acceptance.running import RUSH_S, StartedPlatform, run, servers_alone
from tests.support.polling import eventually

pytestmark = [pytest.mark.acceptance, pytest.mark.release]


@pytest.fixture
def lost() -> Iterator[StartedPlatform]:
    """The machine that sells, and is lost."""
    platform = StartedPlatform(WEB_PROCESSES="1")
    try:
        platform.start()
        yield platform
    finally:
        platform.remove()


@pytest.fixture
def empty() -> Iterator[StartedPlatform]:
    """The machine that nothing is on yet."""
    platform = StartedPlatform(WEB_PROCESSES="1")
    try:
        yield platform
    finally:
        platform.remove()


def program(name: str, *words: str) -> None:
    """Run one of PostgreSQL's own programs."""
    subprocess.run([postgres_binaries()[0].path.with_name(name), *words], check=True, timeout=60)


def address(server: EmbeddedPostgres) -> str:
    return server.url.replace("+psycopg", "")


def dump_in_mid_sale(platform: StartedPlatform, file: Path) -> str:
    """Send a crowd, and dump the ledger while verdicts are written; returns the sale's id."""
    crowd, _ = platform.rush(SHOPPERS="300", UNITS="100", PAYING="thirds")

    def on_sale() -> Any:
        found = (platform.get("/api/v1/sales?status=open") or {"items": []})["items"]
        return next((one for one in found if one["queue"]["now_serving"] > 0), None)

    sale: dict[str, Any] = eventually(on_sale, RUSH_S, told=lambda: platform.log("rush"))
    program("pg_dump", "--format=custom", f"--file={file}", address(EmbeddedPostgres(platform.data_dir)))
    crowd.kill()
    crowd.wait()
    return str(sale["id"])


def command(postgres: EmbeddedPostgres, redis_url: str, *words: str) -> list[dict[str, Any]]:
    """Run `flask --app web …`, and read what it says line by line."""
    environment = {
        "DATABASE_URL": postgres.url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": "0f3b8e5d9c7a4162b8d0e6f1a2c39485",
    }
    said = run("flask", "--app", "web", *words, environment=environment)
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]


def test_a_dump_of_mid_sale_sells_on_elsewhere(
    lost: StartedPlatform, empty: StartedPlatform, tmp_path: Path
) -> None:
    dump = tmp_path / "ledger.dump"
    sale_id = dump_in_mid_sale(lost, dump)
    lost.end(signal.SIGKILL)
    with servers_alone(empty) as (postgres, redis):
        program("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={address(postgres)}", str(dump))
        command(postgres, redis.url, "release")
        rebuilt = command(postgres, redis.url, "ledger", "rebuild-sales")
        audited = command(postgres, redis.url, "ledger", "audit-sales")
    assert sale_id in {one["sale_id"] for one in rebuilt}
    assert {one["sale_id"] for one in rebuilt} <= {one["sale_id"] for one in audited}
    assert all(one["ok"] for one in audited), audited
    empty.start()
    token = empty.admin_token()
    before = empty.get(f"/api/v1/sales/{sale_id}")
    intent = empty.post(f"/api/v1/sales/{sale_id}/intents", {}, token)
    assert intent["ticket"] > before["queue"]["last_ticket"] > 0
    path = f"/api/v1/intents/{intent['id']}"
    eventually(lambda: (empty.get(path, token) or {"status": "queued"})["status"] != "queued")
    audit = empty.get(f"/api/v1/sales/{sale_id}/audit", token)
    assert audit["ok"], audit
