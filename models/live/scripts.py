"""Loads and runs the Lua scripts of `models/lua/`, one per operation."""

from functools import cache
from pathlib import Path
from typing import Any, Final

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
