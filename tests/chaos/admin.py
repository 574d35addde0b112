"""The admin of the soak: opens and ends its sales, and changes settings while people stand in line."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from benchmarks.client.admin_api import sale_body
from tests.chaos.history import Recorder
from tests.chaos.schedule import Step
from tests.chaos.wire import Reply, Wire

HOLD_S: Final = 5
PER_SHOPPER: Final = 3
INSIST_S: Final = 25.0
PAUSE_S: Final = 0.3


class Admin:
    """One admin, who makes one change at a time and repeats it until it is answered."""

    def __init__(self, wire: Wire, recorder: Recorder, product_id: str) -> None:
        self._wire = wire
        self._recorder = recorder
        self._product_id = product_id
        self._turn = asyncio.Lock()
        self._requested: dict[str, int] = {}  # sale → the allocation that was asked for last and not refused

    async def open_sale(self, units: int) -> str | None:
        """Make a sale and open it; None where the shop could not."""
        now = datetime.now(UTC)
        body = sale_body(self._product_id, units, PER_SHOPPER)
        # It is opened by hand: one that was made twice, since an answer was lost, then stays empty.
        body |= {"opens_at": (now + timedelta(days=1)).isoformat(), "hold_seconds": HOLD_S}
        body |= {"closes_at": (now + timedelta(days=2)).isoformat()}
        async with self._turn:
            made = await self._insist("POST", "/api/v1/sales", body, verb="create", allocation=units)
            if made.status != 201:
                return None
            sale = str(made.said["id"])
            self._requested[sale] = units
            await self._move(sale, "open", allocation=units)
        return sale

    async def end_sale(self, sale: str) -> None:
        """End a sale."""
        async with self._turn:
            await self._move(sale, "end")

    async def cancel_sale(self, sale: str) -> None:
        """Cancel a sale: every hold ends, and every payment is refunded."""
        async with self._turn:
            await self._move(sale, "cancel")

    async def refund(self, sale: str, lot: int) -> None:
        """Have the money of one of the paid orders go back."""
        page = await self._wire.ask("GET", f"/api/v1/orders?sale_id={sale}&limit=200")
        if page.status != 200:
            return
        if paid := [order["id"] for order in page.said["items"] if order["status"] == "paid"]:
            order = paid[lot % len(paid)]
            path = f"/api/v1/orders/{order}/refund"
            await self._insist("POST", path, {}, sale=sale, verb="refund", of=order)

    async def turn(self, step: Step, sale: str) -> None:
        """Do what the plan says with a sale."""
        async with self._turn:
            if step.kind == "pause":
                await self._move(sale, "pause")
                await asyncio.sleep(step.for_s)
                await self._move(sale, "resume")
            elif step.kind == "price":
                price = {"amount_minor": step.amount, "currency": "USD"}
                await self._patch(sale, {"price": price}, verb="price", price=step.amount)
            elif step.kind == "refund":
                await self.refund(sale, step.lot)
            else:
                await self._allocate(sale, step.amount if step.kind == "raise" else -step.amount)

    async def _allocate(self, sale: str, more: int) -> None:
        requested = max(1, self._requested[sale] + more)
        reply = await self._patch(sale, {"allocation": requested}, verb="allocate", allocation=requested)
        if reply.status == 200:
            self._requested[sale] = requested

    async def _patch(self, sale: str, body: dict[str, Any], **told: Any) -> Reply:
        return await self._insist("PATCH", f"/api/v1/sales/{sale}", body, sale=sale, **told)

    async def _move(self, sale: str, verb: str, **told: Any) -> Reply:
        return await self._insist("POST", f"/api/v1/sales/{sale}/{verb}", None, sale=sale, verb=verb, **told)

    async def _insist(
        self, method: str, path: str, body: dict[str, Any] | None, *, sale: str = "", **told: Any
    ) -> Reply:
        """Ask until there is an answer that is no fault's; each try is an operation of its own."""
        until = asyncio.get_running_loop().time() + INSIST_S
        while True:
            operation = self._recorder.invoke("admin", "admin", sale, **told)
            reply = await self._wire.ask(method, path, body)
            if reply.status in {200, 201, 202}:
                operation.ok(**told)
            elif reply.status == 0 or reply.status >= 500:
                # Also 503 «line_unavailable»: what was begun in the ledger is finished by a sweep.
                operation.info(**told, answer=reply.status, code=reply.code)
            else:
                operation.fail(**told, answer=reply.status, code=reply.code)
            is_answered = 0 < reply.status < 500 and reply.status != 429
            if is_answered or asyncio.get_running_loop().time() > until:
                return reply
            await asyncio.sleep(PAUSE_S)
