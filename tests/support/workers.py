"""Real worker processes: `celery -A workers.app worker`, to be killed, stopped and woken by tests."""

import os
import signal
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from tests.support import warm
from tests.support.contexts import SECRET_KEY
from tests.support.polling import eventually
from tests.support.servers import Stores

QUIET_END_S: Final = 20.0


class Worker:
    """One solo worker of a queue over some stores, or beat. It dies with the test run, whatever happens."""

    def __init__(
        self,
        stores: Stores,
        *,
        failpoint: str = "",
        claim_size: int = 500,
        queue: str = "drain",
        database_url: str = "",
        variables: Mapping[str, str] | None = None,
        is_beat: bool = False,
    ) -> None:
        self.queue = queue
        self.name = f"worker-{uuid.uuid4().hex[:8]}"
        self.log = stores.place / f"{self.name}.log"
        with self.log.open("wb") as output:
            self.process = warm.start(
                self._beat() if is_beat else self._command(),
                self._environment(stores, failpoint, claim_size)
                | ({"DATABASE_URL": database_url} if database_url else {})
                | dict(variables or {}),
                output,
            )

    @property
    def text(self) -> str:
        """All that it has logged."""
        return self.log.read_text()

    @property
    def is_ready(self) -> bool:
        """Whether it listens for bells."""
        assert self.process.poll() is None, self.text
        return " ready." in self.text

    @property
    def is_stopped(self) -> bool:
        """Whether SIGSTOP holds it."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] == "T"

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def was_killed(self) -> bool:
        """Whether SIGKILL ended it."""
        return self.process.poll() == -signal.SIGKILL

    def end(self) -> None:
        """End it in whatever state it is."""
        if self.process.poll() is None:
            self.send(signal.SIGKILL)
        self.process.wait(QUIET_END_S)

    def _command(self) -> list[str]:
        return [
            *("celery", "--quiet", "-A", "workers.app", "worker", "-P", "solo", "-Q", self.queue),
            *("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO"),
            *("--hostname", f"{self.name}@tests"),
        ]

    def _beat(self) -> list[str]:
        return ["celery", "-A", "workers.app", "beat"]

    def _environment(self, stores: Stores, failpoint: str, claim_size: int) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": stores.postgres.url,
            "REDIS_URL": stores.redis.url,
            "BROKER_URL": stores.broker_url,
            "DATA_DIR": str(stores.place),
            "SECRET_KEY": SECRET_KEY,
            "FAILPOINT": failpoint,
            "CLAIM_SIZE": str(claim_size),
            "DATABASE_POOL_SIZE": "3",
            "PROCESS_NAME": self.name,
            "LOG_LEVEL": "INFO",
        }


@contextmanager
def working(
    stores: Stores, count: int = 1, *, claim_size: int = 500, variables: Mapping[str, str] | None = None
) -> Iterator[list[Worker]]:
    """Have so many workers listen for bells, and end them."""
    with ExitStack() as ending:
        workers = []
        for _ in range(count):
            workers.append(Worker(stores, claim_size=claim_size, variables=variables))
            ending.callback(workers[-1].end)
        eventually(lambda: all(worker.is_ready for worker in workers))
        yield workers


@contextmanager
def armed(stores: Stores, failpoint: str, *, claim_size: int = 500) -> Iterator[Worker]:
    """Have one worker that fails at a step, e.g. `claimed:1:kill`."""
    worker = Worker(stores, failpoint=failpoint, claim_size=claim_size)
    try:
        yield worker
    finally:
        worker.end()
