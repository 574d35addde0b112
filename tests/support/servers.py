"""The real servers of a test run: durable, in a short path of their own, removed afterwards."""

import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Final

from deploy.embedded import EmbeddedPostgres, EmbeddedRedis
from models.database import Database
from models.migrate import upgrade

PLACE: Final = "/tmp"  # a socket's path must be short


class Stores:
    """An embedded PostgreSQL, migrated, and an embedded Redis; each can be stopped and started again.

    Without them there is no test result at all, so a failure here fails the run.
    """

    def __init__(self) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="fs-", dir=PLACE))
        self.postgres = EmbeddedPostgres(self.place)
        self.redis = EmbeddedRedis(self.place)

    def start(self) -> None:
        """Start whichever of the two does not run."""
        for server in (self.postgres, self.redis):
            if not server.is_alive():
                server.start()

    def migrate(self) -> None:
        """Bring the schema to the newest."""
        database = Database(self.postgres.url)
        try:
            upgrade(database)
        finally:
            database.dispose()

    def remove(self) -> None:
        """Stop both and remove what they wrote."""
        self.redis.stop()
        if self.postgres.pid:
            os.kill(self.postgres.pid, signal.SIGQUIT)  # at once: what goes need not be brought to disk first
        self.postgres.stop()
        shutil.rmtree(self.place, ignore_errors=True)

    @property
    def broker_url(self) -> str:
        """A database of the same Redis that emptying the live state does not touch."""
        return f"redis+socket://{self.redis.socket_path}?virtual_host=1"
