"""Loads and runs the Lua scripts of `models/lua/`, one per operation."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any, Final

import redis
from redis.exceptions import NoScriptError

from models.live.connection.masters import at_master
from models.live.redis import Client, translated

FOLDER: Final = Path(__file__).resolve().parent.parent / "lua"


@cache
def source_of(verb: str) -> str:
    """Read the text of `models/lua/<verb>.lua`."""
    return (FOLDER / f"{verb}.lua").read_text()


@cache
def sha_of(verb: str) -> str:
    """Compute the name by which servers know a script."""
    return hashlib.sha1(source_of(verb).encode(), usedforsecurity=False).hexdigest()


class Scripts:
    """The scripts, bound to one client. A script is sent whole only to a server that does not know it."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def run(self, verb: str, keys: list[str], args: list[Any]) -> Any:
        """Run a script in one atomic step.

        Raises:
            LineRefused: Redis accepts no writes now, and the script did nothing.
            LineUnavailable: there was no answer. Whether the script ran is unknown.
        """
        with translated():
            try:
                return self._client.evalsha(sha_of(verb), len(keys), *keys, *args)
            except NoScriptError:
                return self._client.eval(source_of(verb), len(keys), *keys, *args)

    def run_and_wait(
        self, verb: str, keys: list[str], args: list[Any], replicas: int, wait_ms: int
    ) -> tuple[Any, int | redis.RedisError]:
        """Run a script and wait for so many replicas, in one round trip; returns also how many have it."""

        def ask(server: Client) -> tuple[Any, int | redis.RedisError]:
            reply, have = at_once(server, "EVALSHA", sha_of(verb))
            if isinstance(reply, NoScriptError):
                reply, have = at_once(server, "EVAL", source_of(verb))
            if isinstance(reply, Exception):
                raise reply
            return reply, have

        def at_once(server: Client, how: str, script: str) -> list[Any]:
            pipeline = server.pipeline(transaction=False)
            pipeline.execute_command(how, script, len(keys), *keys, *args)  # type: ignore[no-untyped-call]
            pipeline.wait(replicas, wait_ms)
            return pipeline.execute(raise_on_error=False)

        with translated():
            return at_master(self._client, keys[0], ask)
