"""One shopper of the soak: submits, waits, leaves, pays, cancels or forgets, and records it all."""

import asyncio
import random
from collections.abc import Collection, Iterable
from typing import Any, Final

from benchmarks.verify.testimony import FINAL, ORDER_DONE
from tests.chaos.errands import Errand
from tests.chaos.history import Operation, Recorder
from tests.chaos.wire import PATIENCE_S, Reply, Wire

MOST_TRIES: Final = 10
POLL_S: Final = (0.3, 1.0)
PAYMENT_OVER: Final = frozenset({"held", *ORDER_DONE})


class Shopper:
    """One account in one round."""

    def __init__(self, wire: Wire, recorder: Recorder, who: str, sale: str) -> None:
        self._wire = wire
        self._recorder = recorder
        self._who = who
        self._sale = sale

    async def run(self, errands: Iterable[Errand]) -> None:
        """Make the purchases, one after the other; the caller ends it with the round."""
        for errand in errands:
            await asyncio.sleep(errand.start_s)
            intent = await self._submit(errand)
            if intent is None:
                continue
            order_id = await self._await_verdict(errand, str(intent["id"]))
            if order_id is not None:
                await self._end_hold(errand, order_id)

    async def _submit(self, errand: Errand) -> dict[str, Any] | None:
        """Ask for a place until there is an answer, or until the patience ends."""
        if errand.is_twin:
            await asyncio.gather(self._try(errand), self._try(errand))
        for attempt in range(MOST_TRIES):
            patience_s = errand.hangs_up_s if attempt == 0 and errand.hangs_up_s else PATIENCE_S
            reply = await self._try(errand, patience_s)
            if reply.status == 202:
                if errand.asks_again:
                    await self._try(errand)
                return reply.said
            is_worth_a_try = reply.is_unsure or reply.status in {0, 429, 503} or reply.code == "not_open"
            if not is_worth_a_try or errand.gives_up:
                return None
            await asyncio.sleep(random.uniform(0.1, 0.6))
        return None

    async def _try(self, errand: Errand, patience_s: float = PATIENCE_S) -> Reply:
        operation = self._invoke(
            "submit", key=errand.key, quantity=errand.quantity, fewer=errand.accept_fewer
        )
        body = {"quantity": errand.quantity, "accept_fewer": errand.accept_fewer}
        path = f"/api/v1/sales/{self._sale}/intents"
        reply = await self._wire.ask("POST", path, body, key=errand.key, patience_s=patience_s)
        if reply.status == 202:
            operation.ok(key=errand.key, **_intent(reply.said))
        else:
            _close(operation, reply, key=errand.key)
        return reply

    async def _await_verdict(self, errand: Errand, intent_id: str) -> str | None:
        """Ask until there is a final verdict, or leave; returns the order's id of a hold."""
        leaves_at = None
        if errand.leaves_s is not None:
            leaves_at = asyncio.get_running_loop().time() + errand.leaves_s
        while True:
            await asyncio.sleep(random.uniform(*POLL_S))
            if leaves_at is not None and asyncio.get_running_loop().time() >= leaves_at:
                leaves_at = None
                await self._leave(intent_id)
            operation = self._invoke("poll", intent=intent_id)
            reply = await self._wire.ask("GET", f"/api/v1/intents/{intent_id}")
            if reply.status != 200:
                _close(operation, reply, intent=intent_id)
                continue
            operation.ok(**_intent(reply.said))
            if reply.said["status"] in FINAL:
                order_id: str | None = reply.said["order_id"]
                return order_id

    async def _leave(self, intent_id: str) -> None:
        operation = self._invoke("leave", intent=intent_id)
        reply = await self._wire.ask("DELETE", f"/api/v1/intents/{intent_id}")
        if reply.status == 200:
            operation.ok(**_intent(reply.said))
        else:
            _close(operation, reply, intent=intent_id)

    async def _end_hold(self, errand: Errand, order_id: str) -> None:
        await asyncio.sleep(errand.end_s)
        if errand.end == "cancel":
            await self._write("cancel", order_id, {}, wanted=200)
        elif errand.end == "pay":
            for number, method in enumerate(errand.methods):
                await self._pay(order_id, method, f"{errand.key}-{number}", is_twin=errand.pays_twice)
                if await self._await(order_id, PAYMENT_OVER) != "held":
                    break
        await self._await(order_id, ORDER_DONE)

    async def _pay(self, order_id: str, method: str, key: str, *, is_twin: bool) -> None:
        keys = (key, f"{key}-too") if is_twin else (key,)
        body = {"method": method}
        await asyncio.gather(
            *(self._write("payments", order_id, body, wanted=202, key=one, method=method) for one in keys)
        )

    async def _write(
        self, verb: str, order_id: str, body: dict[str, Any], *, wanted: int, key: str = "", **told: Any
    ) -> None:
        for _ in range(MOST_TRIES):
            operation = self._invoke(verb, order=order_id, **told)
            reply = await self._wire.ask("POST", f"/api/v1/orders/{order_id}/{verb}", body, key=key)
            if reply.status == wanted:
                operation.ok(order=order_id, status=reply.said["status"], **told)
                return
            _close(operation, reply, order=order_id, **told)
            if reply.status not in {0, 429} and reply.status < 500:
                return
            await asyncio.sleep(random.uniform(0.1, 0.6))

    async def _await(self, order_id: str, statuses: Collection[str]) -> str:
        """Ask until the order is in one of these statuses, and tell in which."""
        while True:
            await asyncio.sleep(random.uniform(*POLL_S))
            operation = self._invoke("order", order=order_id)
            reply = await self._wire.ask("GET", f"/api/v1/orders/{order_id}")
            if reply.status != 200:
                _close(operation, reply, order=order_id)
                continue
            status = str(reply.said["status"])
            operation.ok(order=order_id, status=status)
            if status in statuses:
                return status

    def _invoke(self, what: str, **value: Any) -> Operation:
        return self._recorder.invoke(what, self._who, self._sale, **value)


def _intent(said: dict[str, Any]) -> dict[str, Any]:
    return {
        "intent": said["id"],
        "ticket": said["ticket"],
        "status": said["status"],
        "order": said["order_id"],
    }


def _close(operation: Operation, reply: Reply, **value: Any) -> None:
    """End an operation that did not bring what was asked for."""
    told = {**value, "answer": reply.status, "code": reply.code}
    if reply.is_unsure:
        operation.info(**told)
    else:
        operation.fail(**told)
