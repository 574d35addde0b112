"""A host whose cable is pulled while it holds a lock: nobody is told, and the lock is free within seconds."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from benchmarks.harness.programs import bare_environment
from config import ROOT
from models.database import Database
from models.driver import QUICK
from models.errors import LedgerBusy
from models.migrate import upgrade
from tests.support.network import STORES, Network
from tests.support.polling import eventually
from tests.support.replicas import Primary
from tests.support.servers import PLACE

pytestmark = pytest.mark.release

HOLDER = """
import sys, time
from sqlalchemy import text
from models.database import Database
from models.driver import QUICK
with Database(sys.argv[1], patience=QUICK).connection() as connection:
    connection.execute(text("LOCK TABLE sales IN EXCLUSIVE MODE"))
    print("holds", flush=True)
    time.sleep(600)
"""


def test_a_host_that_is_cut_off_with_a_lock_loses_it() -> None:
    network = Network(["one"])
    network.set_up()
    try:
        with tempfile.TemporaryDirectory(prefix="fs-", dir=PLACE) as place, network.at("stores"):
            Path(place).chmod(0o755)
            cut_off(network, Primary(Path(place), STORES))
    finally:
        network.take_down()


def cut_off(network: Network, postgres: Primary) -> None:
    postgres.start()
    database = Database(postgres.url, patience=QUICK)
    upgrade(database)
    with network.at("one"):
        command = [sys.executable, "-c", HOLDER, postgres.url]
        holder = subprocess.Popen(command, cwd=ROOT, env=bare_environment(), stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"holds\n"
        network.cut_off("one")
        began = time.monotonic()
        assert not is_free(database)
        eventually(lambda: is_free(database))
        print(f"held for {time.monotonic() - began:.1f} s")  # noqa: T201 - what is worth knowing of a run
    finally:
        holder.kill()
        holder.communicate()
        database.dispose()
        postgres.kill()


def is_free(database: Database) -> bool:
    try:
        with database.connection() as connection:
            connection.execute(text("LOCK TABLE sales IN EXCLUSIVE MODE"))
    except LedgerBusy:
        return False
    return True
