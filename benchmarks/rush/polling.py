"""What shoppers ask for when their sockets do not tell: verdicts, ends of orders, statements of money."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from benchmarks.client.http import bounded
from benchmarks.rush.shopper import Shopper

AT_ONCE: Final = 32


class Polling:
    """The asking of one process's shoppers, so many at once."""

    def __init__(self, shoppers: Sequence[Shopper]) -> None:
        self._shoppers = shoppers
        self._is_polling = False

    async def poll(self, deadline: float) -> None:
        """Let everybody ask who still waits for something."""
        if self._is_polling:
            return  # a shop that is slow to answer is not asked the same again meanwhile
        silent = [s for s in self._shoppers if (s.answer == 202 and not s.is_final) or s.purse.awaits]
        silent.sort(key=lambda shopper: not shopper.purse.awaits)  # whose hold runs out first of all
        self._is_polling = True
        try:
            await bounded(AT_ONCE, (partial(shopper.poll, deadline) for shopper in silent))
        finally:
            self._is_polling = False

    async def account(self, deadline: float) -> None:
        """Let all holders read what the shop keeps of their order's money."""
        purses = [shopper.purse for shopper in self._shoppers if shopper.holds]
        await bounded(AT_ONCE, (partial(purse.account, deadline) for purse in purses))
