"""Starts the embedded servers that a run needs, and restarts them when they die."""

from pathlib import Path

from deploy.embedded import EmbeddedError, EmbeddedPostgres, EmbeddedRedis, EmbeddedServer, write_servers_file
from deploy.run.backoff import Backoff
from deploy.run.output import Output


class Servers:
    """PostgreSQL and Redis under a data directory, except those that are given from outside."""

    def __init__(self, data_dir: Path, output: Output, *, database_url: str, redis_url: str) -> None:
        self._data_dir = data_dir
        self._output = output
        self._postgres = None if database_url else EmbeddedPostgres(data_dir)
        self._redis = None if redis_url else EmbeddedRedis(data_dir)
        # In the order of their end: Redis' clients are gone before PostgreSQL's.
        embedded = (self._redis, self._postgres)
        self._watched: list[tuple[EmbeddedServer, Backoff]] = [
            (server, Backoff()) for server in embedded if server is not None
        ]

    def start(self) -> None:
        """Start the servers, and leave their addresses where the configuration finds them.

        Raises:
            EmbeddedError: one of them cannot start.
        """
        for server, backoff in self._watched:
            server.start()
            backoff.started()
            self._output.say(f"{server.name} runs as process {server.pid}; its log is {server.log}")
        write_servers_file(
            self._data_dir,
            self._postgres.url if self._postgres else "",
            self._redis.url if self._redis else "",
        )

    @property
    def is_waiting(self) -> bool:
        """Whether one is to be started again."""
        return any(backoff.is_waiting for _, backoff in self._watched)

    def turn(self) -> None:
        """Restart what died. Does not wait until it is ready: clients connect again by themselves."""
        for server, backoff in self._watched:
            if backoff.is_waiting:
                if backoff.is_due:
                    self._restart(server, backoff)
            elif not server.is_alive():
                delay_s = backoff.died()
                self._output.say(f"{server.name} died; see {server.log}; again in {delay_s:.1f} s")

    def stop(self) -> None:
        """Stop the servers in order."""
        for server, _ in self._watched:
            server.stop()

    def _restart(self, server: EmbeddedServer, backoff: Backoff) -> None:
        try:
            server.spawn()
        except EmbeddedError as error:
            self._output.say(f"{server.name} could not start again: {error}")
            backoff.died()
        else:
            backoff.started()
