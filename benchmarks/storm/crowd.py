"""The shoppers of a storm: they submit, pay as planned once they are granted a hold, and testify."""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any, Final

from benchmarks.client.http import HttpPool, NoAnswer, bounded
from benchmarks.client.http_wire import HttpProtocolError
from benchmarks.rush.manners import Manner
from benchmarks.rush.shopper import Errand, Shopper
from benchmarks.storm.plan import Plan
from benchmarks.verify.testimony import Told

AT_ONCE: Final = 32
LOOK_EVERY_S: Final = 0.5  # seconds between two questions of somebody who waits for his verdict


class StormCrowd:
    """Shoppers without sockets: the storm is about what comes from the provider, so that asking does."""

    def __init__(self, errand: Errand, pool: HttpPool, accounts: list[tuple[str, str]], plan: Plan) -> None:
        self._plan = plan
        self._shoppers = [
            Shopper(errand, pool, (user, token, Manner.PAYS), _spawn_nothing) for user, token in accounts
        ]

    @property
    def has_begun(self) -> bool:
        """Everybody knows his verdict, and who was granted a hold has begun to pay, if he still could."""
        return all(one.is_final and (one.purse.has_paid or not one.holds) for one in self._shoppers)

    @property
    def begun(self) -> int:
        """How many payments the shop took up."""
        return sum(one.purse.payment_answer == 202 for one in self._shoppers)

    async def submit(self, deadline: float) -> None:
        """Stand in line, everybody at once."""
        await asyncio.gather(*(one.submit(deadline) for one in self._shoppers))

    async def pay_when_held(self, deadline: float) -> None:
        """Wait for verdicts, also those of who stands by, and pay at once."""
        loop = asyncio.get_running_loop()
        while not self.has_begun and loop.time() < deadline:
            waiting = [one for one in self._shoppers if not one.is_final]
            await bounded(AT_ONCE, (partial(self._look, one, deadline) for one in waiting))
            await asyncio.sleep(LOOK_EVERY_S)

    async def _look(self, shopper: Shopper, deadline: float) -> None:
        await shopper.poll(deadline)
        if not shopper.holds:
            return
        try:
            await shopper.purse.pay(self._plan.method_of(shopper.told().ticket or 0), deadline)
        except NoAnswer as error:
            shopper.purse.error = str(error)
        finally:
            shopper.purse.has_paid = True

    async def testify(self, deadline: float) -> tuple[Told, ...]:
        """Read what the shop tells everybody in the end."""
        await bounded(AT_ONCE, (partial(self._ask, one, deadline) for one in self._shoppers))
        return tuple(one.told() for one in self._shoppers)

    async def _ask(self, shopper: Shopper, deadline: float) -> None:
        await shopper.poll(deadline)
        if not shopper.purse.orders:
            return
        try:
            await shopper.purse.ask(deadline)
        except (NoAnswer, HttpProtocolError) as error:
            shopper.purse.error = str(error)
        await shopper.purse.account(deadline)


def _spawn_nothing(work: Coroutine[Any, Any, None]) -> None:
    """Take what a shopper would begin by itself, which this crowd's do not."""
    work.close()
