"""Starts a real PostgreSQL and Redis under a data directory, for `make run` and for tests."""

from deploy.embedded.errors import DirectoryInUse, EmbeddedError, ServerFailed
from deploy.embedded.places import write_servers_file
from deploy.embedded.postgres import EmbeddedPostgres
from deploy.embedded.redis import EmbeddedRedis
from deploy.embedded.server import EmbeddedServer

__all__ = [
    "DirectoryInUse",
    "EmbeddedError",
    "EmbeddedPostgres",
    "EmbeddedRedis",
    "EmbeddedServer",
    "ServerFailed",
    "write_servers_file",
]
