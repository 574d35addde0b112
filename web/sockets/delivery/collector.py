"""Keeps Python's cyclic garbage collector from walking over all sockets again and again.

A socket is a dozen objects that live for hours and are freed without the collector. While a crowd connects,
the collector would go through all of them at every quarter more, and with 17,000 sockets stop the process
for a third of a second each time.
"""

import gc
from typing import Final

STEP: Final = 500  # more sockets than ever before, for which it is worthwhile


class Collector:
    """Excludes existing objects from collections (`gc.freeze`) whenever there are many more than ever before.

    Done at a new maximum only, so a bounded number of times: cycles that happen to be garbage at that moment
    are kept for ever, few as they are after a collection of the young.
    """

    def __init__(self) -> None:
        self._spared = 0

    def spare(self, sockets: int) -> None:
        """Freeze what is there if there are many more sockets than ever before."""
        if sockets >= self._spared + STEP:
            self._spared = sockets
            gc.collect(0)
            gc.freeze()
