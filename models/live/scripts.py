"""Loads and runs the Lua scripts of `models/lua/`, one per operation."""

from functools import cache
from pathlib import Path
from typing import Any, Final

import redis
from redis.commands.core import Script

from models.live.redis import Client, translated

FOLDER: Final = Path(__file__).resolve().parent.parent / "lua"


@cache
def source_of(verb: str) -> str:
    """Read the text of `models/lua/<verb>.lua`."""
    return (FOLDER / f"{verb}.lua").read_text()


class Scripts:
    """The scripts, bound to one client. A script is sent whole only to a server that does not know it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._bound: dict[str, Script] = {
            path.stem: client.register_script(source_of(path.stem)) for path in sorted(FOLDER.glob("*.lua"))
        }

    def run(self, verb: str, keys: list[str], args: list[Any]) -> Any:
        """Run a script in one atomic step.

        Raises:
            LineRefused: Redis accepts no writes now, and the script did nothing.
            LineUnavailable: there was no answer. Whether the script ran is unknown.
        """
        with translated():
            return self._bound[verb](keys=keys, args=args)

    def run_and_wait(
        self, verb: str, keys: list[str], args: list[Any], replicas: int, wait_ms: int
    ) -> tuple[Any, int | redis.RedisError]:
        """Run a script and wait for so many replicas, in one round trip; returns how many have what it wrote.

        Raises: as `run` does.
        """
        script = self._bound[verb]

        def ask() -> list[Any]:
            pipeline = self._client.pipeline(transaction=False)
            pipeline.evalsha(script.sha, len(keys), *keys, *args)
            pipeline.wait(replicas, wait_ms)
            return pipeline.execute(raise_on_error=False)

        with translated():
            reply, have = ask()
            if isinstance(reply, redis.exceptions.NoScriptError):
                self._client.script_load(script.script)
                reply, have = ask()
            if isinstance(reply, Exception):
                raise reply
        return reply, have
