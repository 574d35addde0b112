"""The platform under test: as any tool starts it, with a postman between, sick stores, and a clock to set."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import config
from benchmarks.harness.crowd_tokens import make_crowd_in_bulk
from benchmarks.harness.platform import Platform
from deploy.run.procfile import read_procfile
from models.database import Database
from tests.chaos.history import Recorder
from tests.chaos.postman import Postman
from tests.chaos.schedule import SET_BY_S
from tests.chaos.stores import Stores
from tests.support.set_clock import SetClock, can_set_clocks

CROWD_S: Final = 120.0
PATIENCE_S: Final = 3  # of payments: then a charge is ended, where that can be
BEGINS_AT_S: Final = -SET_BY_S[1]  # clocks are never set further back, lest a log-in be of the future


class SoakedPlatform(Platform):
    """Limits are off: the soak is about faults, not about crowds."""

    def __init__(self, place: Path, recorder: Recorder) -> None:
        settings = {
            "WORKER_PROCESSES": "2",
            "WEB_PROCESSES": "2",
            "RATE_LIMIT_ENABLED": "false",
            "ACCESS_TOKEN_SECONDS": "86400",
            "CONFIRM_SECONDS": "86400",
            "LOG_LEVEL": "WARNING",
            "PAYMENT_PATIENCE_SECONDS": str(PATIENCE_S),
        }
        super().__init__(place, settings)
        self.postman = Postman(self.target, recorder)
        self.stores = Stores(self.servers)
        self._clock = SetClock(place) if can_set_clocks() else None

    def environment(self, **more: str) -> dict[str, str]:
        """What a program is given; webhooks go by the postman."""
        return super().environment(SANDBOX_WEBHOOK_URL=self.postman.url, **more)

    def start(self, *options: str) -> None:
        """Start it, and wait until it serves.

        Raises:
            PlatformFailed: it ended, or was not ready in time.
        """
        self.postman.start()
        self.set_clock(BEGINS_AT_S)
        super().start("--scale", "", "--procfile", str(self._procfile()), *options)

    def close(self) -> None:
        """Take everything down; stopped processes are continued first, so that they get the signal."""
        self.postman.stop()
        self.resume_all()
        super().close()

    def set_clock(self, ahead_s: int) -> bool:
        """Set the clock of all processes but the servers'; says whether that can be done here."""
        if self._clock is None:
            return False
        self._clock.set(ahead_s)
        return True

    def resume_all(self) -> None:
        """Let every stopped process go on, and every webhook. Clocks stay as they are set."""
        self.postman.calm()
        super().resume_all()

    def database(self) -> Database:
        """Make a way to its database, for reading."""
        return Database(self.servers()["database_url"], pool_size=1, application_name="soak")

    def crowd(self, count: int, ttl_s: int) -> list[tuple[str, str]]:
        """Make shoppers: (user's id, access token).

        Raises:
            NoBulkTokens: the command line refuses.
        """
        environment = self.environment(**(self._clock.environment if self._clock else {}))
        return make_crowd_in_bulk(count, CROWD_S, "--ttl", str(ttl_s), environment=environment)

    def _procfile(self) -> Path:
        known = config.ROOT / "Procfile"
        if self._clock is None:
            return known
        path = self.place / "Procfile"
        path.write_text(set_ahead(read_procfile(known).commands, config.ROOT, self._clock.environment))
        return path


def set_ahead(commands: Mapping[str, str], root: Path, variables: Mapping[str, str]) -> str:
    """Write a Procfile of the same commands, run in a directory and with these variables more."""
    words = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
    prefix = f"env -C {shlex.quote(str(root))} {words}"
    return "".join(f"{name}: {prefix} {command}\n" for name, command in commands.items())
