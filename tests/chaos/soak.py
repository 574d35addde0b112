"""Runs the soak: round after round of sales and shoppers, with faults and snapshots."""

import asyncio
from collections.abc import Sequence
from typing import Final

from benchmarks.client.http import HttpPool
from tests.chaos.admin import Admin
from tests.chaos.errands import draw_errands
from tests.chaos.history import Recorder
from tests.chaos.listener import Listeners
from tests.chaos.nemesis import Nemesis
from tests.chaos.platform import SoakedPlatform
from tests.chaos.schedule import Step
from tests.chaos.settings import ChaosSettings
from tests.chaos.shopper import Shopper
from tests.chaos.wire import Wire

CONNECTIONS: Final = 96
CANCELLED_EVERY: Final = 3  # sales; the others are ended
SNAPSHOT_EVERY_S: Final = 0.2
SNAPSHOT_PATIENCE_S: Final = 3.0
SHOWN: Final = ("allocation", "available", "held", "sold", "status")


class Soak:
    """One soak over a platform that runs."""

    def __init__(
        self,
        settings: ChaosSettings,
        platform: SoakedPlatform,
        recorder: Recorder,
        *,
        crowd: Sequence[tuple[str, str]],
        admin_token: str,
        product_id: str,
    ) -> None:
        self._settings = settings
        self._platform = platform
        self._recorder = recorder
        self._crowd = crowd
        self._admin_token = admin_token
        self._product_id = product_id
        self.sales: list[str] = []
        self._has_begun = asyncio.Event()

    async def run(self, steps: Sequence[Step]) -> None:
        """Rounds, snapshots and faults side by side, until the time is over."""
        pool = HttpPool(self._platform.target, CONNECTIONS)
        aside = HttpPool(self._platform.target, 8)
        admin = Admin(Wire(aside, self._admin_token), self._recorder, self._product_id)
        nemesis = Nemesis(self._platform, admin, self._recorder, self._current_sale)
        watching = asyncio.create_task(self._watch(Wire(aside, "")))
        breaking = asyncio.create_task(self._break(nemesis, steps))
        try:
            await self._run_rounds(pool, admin)
            await breaking
        finally:
            await _end([watching, breaking])
            pool.close()
            aside.close()

    async def _break(self, nemesis: Nemesis, steps: Sequence[Step]) -> None:
        await self._has_begun.wait()  # an admin's move needs a sale
        await nemesis.run(steps)

    def _current_sale(self) -> str | None:
        return self.sales[-1] if self.sales else None

    async def _run_rounds(self, pool: HttpPool, admin: Admin) -> None:
        clock = asyncio.get_running_loop().time
        until = clock() + self._settings.seconds
        number = 0
        while (left_s := until - clock()) > 0.5:
            sale = await admin.open_sale(self._settings.units)
            if sale is None:
                continue
            self.sales.append(sale)
            self._has_begun.set()
            tasks = self._send_crowd(pool, sale, number)
            number += 1
            await asyncio.wait(tasks, timeout=min(self._settings.round_s, left_s))
            await _end(tasks)
            if until - clock() > 0.5:
                await (admin.cancel_sale if number % CANCELLED_EVERY == 0 else admin.end_sale)(sale)

    def _send_crowd(self, pool: HttpPool, sale: str, number: int) -> list[asyncio.Task[None]]:
        tasks = []
        for place, (user_id, token) in enumerate(self._crowd):
            errands = draw_errands(self._settings.seed, number, place, self._settings.round_s)
            shopper = Shopper(Wire(pool, token), self._recorder, user_id, sale)
            tasks.append(asyncio.create_task(shopper.run(errands)))
        listeners = Listeners(self._platform.target, self._crowd[1::2], self._recorder, sale)
        tasks.append(asyncio.create_task(listeners.run()))
        return tasks

    async def _watch(self, wire: Wire) -> None:
        while True:
            await asyncio.gather(
                asyncio.sleep(SNAPSHOT_EVERY_S), *(self._picture(wire, sale) for sale in self.sales[-2:])
            )

    async def _picture(self, wire: Wire, sale: str) -> None:
        operation = self._recorder.invoke("snapshot", "watcher", sale)
        reply = await wire.ask("GET", f"/api/v1/sales/{sale}", patience_s=SNAPSHOT_PATIENCE_S)
        if reply.status == 200:
            operation.ok(**{name: reply.said[name] for name in SHOWN}, **reply.said["queue"])
        else:
            operation.fail(answer=reply.status, code=reply.code)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel what still runs; a failure of our own is not hidden."""
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome
