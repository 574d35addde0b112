"""Carries out the planned faults: signals to processes, trouble with webhooks, an admin's moves."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from typing import Any, Final

from benchmarks.harness.processes import Process, send
from tests.chaos.admin import Admin
from tests.chaos.history import Recorder
from tests.chaos.platform import SoakedPlatform
from tests.chaos.schedule import CLOCKS, MOVES, POST, SICK, Step

PREFIX: Final = {
    "kill_worker": "worker.",
    "kill_web": "web.",
    "kill_web_child": "web.",
    "kill_web_at_webhook": "web.",
    "kill_background": "background.",
    "kill_payments": "payments.",
    "kill_beat": "beat.",
    "kill_redis": "redis-server",
    "stop_postgres": "postgres",
    "stall_worker": "worker.",
    "stall_payments": "payments.",
    "stall_redis": "redis-server",
    "stall_postgres": "postgres",
}
CHILDREN: Final = ("kill_web_child", "kill_web_at_webhook")  # of the web server, not itself
FAMILIES: Final = ("stall_postgres",)  # PostgreSQL is many processes, and none of them waits for the first


class Nemesis:
    """Breaks one platform, as planned; every step is written down."""

    def __init__(
        self,
        platform: SoakedPlatform,
        admin: Admin,
        recorder: Recorder,
        current_sale: Callable[[], str | None],
    ) -> None:
        self._platform = platform
        self._admin = admin
        self._recorder = recorder
        self._current_sale = current_sale
        self._under_way: set[asyncio.Task[None]] = set()
        self._awaiting: list[Step] = []  # a webhook during which to strike

    async def run(self, steps: Sequence[Step]) -> None:
        """Take every step at its time, and wait for those that last."""
        began = asyncio.get_running_loop().time()
        for step in steps:
            await asyncio.sleep(began + step.at_s - asyncio.get_running_loop().time())
            task = asyncio.create_task(self._take(step))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        if self._under_way:
            await asyncio.gather(*self._under_way)
        self._platform.postman.calm()
        for step in self._awaiting:
            self._note_kill(step, is_hit=False)

    async def _take(self, step: Step) -> None:
        if step.kind in POST:
            self._platform.postman.suffer(step.kind, step.for_s)
            self._recorder.note("fault", "postman", kind=step.kind, hit=True, for_s=step.for_s)
        elif step.kind in SICK:
            await self._sicken(step)
        elif step.kind in CLOCKS:
            is_hit = self._platform.set_clock(step.amount)
            self._recorder.note("fault", "clock", kind=step.kind, hit=is_hit, ahead_s=step.amount)
        elif step.kind == "kill_web_at_webhook":
            self._awaiting.append(step)
            self._platform.postman.at_next(lambda: self._kill_all_web(step))
        elif step.kind not in MOVES:
            await self._break(step)
        elif (sale := self._current_sale()) is not None:
            self._recorder.note("fault", "admin", sale, kind=step.kind, for_s=step.for_s)
            await self._admin.turn(step, sale)

    def _kill_all_web(self, step: Step) -> None:
        """Kill every web process, since any of them may be the one that takes the webhook."""
        self._awaiting.remove(step)
        children = choose_all(self._platform.family(), step)
        was_sent = [send(one, signal.SIGKILL) for one in children]
        self._note_kill(step, is_hit=any(was_sent))

    def _note_kill(self, step: Step, *, is_hit: bool) -> None:
        self._recorder.note("fault", "web", kind=step.kind, hit=is_hit, signal="SIGKILL", for_s=0.0)

    async def _sicken(self, step: Step) -> None:
        """Put a store into trouble for a while; it is always mended afterwards."""
        stores = self._platform.stores
        is_hit = await asyncio.to_thread(stores.trouble, step.kind)
        self._recorder.note("fault", "store", kind=step.kind, hit=is_hit, for_s=step.for_s)
        try:
            await asyncio.sleep(step.for_s)
        finally:
            await asyncio.to_thread(stores.mend, step.kind)
            self._recorder.note("mark", name=f"{step.kind} is over")

    async def _break(self, step: Step) -> None:
        number = _signal_of(step.kind)
        hit = [one for one in choose_targets(self._platform.family(), step) if send(one, number)]
        label = hit[0].label if hit else ""
        said: dict[str, Any] = {"kind": step.kind, "hit": bool(hit)}
        self._recorder.note("fault", label, **said, signal=number.name, for_s=step.for_s)
        if not hit or number is not signal.SIGSTOP:
            return
        try:
            await asyncio.sleep(step.for_s)
        finally:
            for one in hit:
                send(one, signal.SIGCONT)
            self._recorder.note("fault", label, **said, signal="SIGCONT", for_s=0.0)


def choose_targets(family: Sequence[Process], step: Step) -> list[Process]:
    """List every process that a step is meant for: one, or a server's first process and its children."""
    if step.kind in FAMILIES:
        return [one for one in family if one.label.startswith(PREFIX[step.kind])]
    found = choose(family, step)
    return [found] if found is not None else []


def choose(family: Sequence[Process], step: Step) -> Process | None:
    """Find the process that a step is meant for; None where none of that name runs at the moment."""
    found = choose_all(family, step)
    return found[step.lot % len(found)] if found else None


def choose_all(family: Sequence[Process], step: Step) -> list[Process]:
    """List the processes that a step may be meant for."""
    found = [one for one in family if one.label.startswith(PREFIX[step.kind])]
    pids = {one.pid for one in found}
    return [one for one in found if (one.parent in pids) == (step.kind in CHILDREN)]


def _signal_of(kind: str) -> signal.Signals:
    if kind.startswith("stall"):
        return signal.SIGSTOP
    return signal.SIGQUIT if kind == "stop_postgres" else signal.SIGKILL
