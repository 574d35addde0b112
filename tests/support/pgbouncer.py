"""PgBouncer in front of a test's PostgreSQL: few sessions, each handed on after every transaction."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg

from benchmarks.harness.processes import free_port
from deploy.children import launch
from tests.support.engines import require_binary
from tests.support.polling import eventually
from tests.support.servers import Stores

SESSIONS: Final = 2  # so few that clients meet each other's


@contextmanager
def pooled(stores: Stores, *, ignored: str = "") -> Iterator[str]:
    """Run it; gives its URL. `ignored`: start-up parameters that it takes without doing anything."""
    program, port = require_binary("pgbouncer"), free_port()
    home = stores.postgres.home
    settings = home / "pgbouncer.ini"
    settings.write_text(
        f"[databases]\napp = host={stores.postgres.socket_directory} port=5432 user=app dbname=app\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        f"pool_mode = transaction\ndefault_pool_size = {SESSIONS}\nmax_client_conn = 500\n"
        f"query_wait_timeout = 4\nserver_login_retry = 1\nignore_startup_parameters = {ignored}\n"
    )
    settings.chmod(0o644)
    with (home / "pgbouncer.log").open("ab") as log:
        bouncer = launch(
            [program, str(settings)],
            death_signal=signal.SIGKILL,
            identity=stores.postgres.identity,
            output=log.fileno(),
        )
    try:
        eventually(lambda: _answers(port))
        yield f"postgresql+psycopg://app@127.0.0.1:{port}/app"
    finally:
        bouncer.kill()
        bouncer.wait()


def _answers(port: int) -> bool:
    try:
        psycopg.connect(host="127.0.0.1", port=port, user="app", dbname="app", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
