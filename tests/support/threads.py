"""Things that are done at the same moment, each in a thread of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from models.errors import FlashSaleError


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Do these at the same moment; returns the result of each, or the class of the shop's error."""
    ready = threading.Barrier(len(acts))

    def do(act: Callable[[], Any]) -> Any:
        ready.wait(timeout=30)
        try:
            return act()
        except FlashSaleError as error:
            return type(error)

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(do, acts))
