"""One shopper's money: what it does about an order that it was granted, and what it is told of it."""

import asyncio
import time
import uuid
from typing import Any, Final

from benchmarks.client.http import NoAnswer, ShopClient, Tries
from benchmarks.client.http_wire import HttpProtocolError
from benchmarks.rush.manners import METHODS, Manner
from benchmarks.verify.money_records import Statement
from benchmarks.verify.testimony import ORDER_DONE

ASK_AGAIN_S: Final = 0.3  # seconds between two looks at money that is still on its way


class Purse:
    """Pays as its shopper's manner is. It remembers every order that it hears of, and the newest news."""

    def __init__(self, http: ShopClient, manner: Manner) -> None:
        self._http = http
        self._news = 0  # how long the order's history was when last heard
        self._declined: asyncio.Event | None = None
        self.manner = manner
        self.thinks_s = 0.0  # from the hold to the first payment
        self.pressed_ns = 0  # when the first payment was sent
        self.orders: dict[str, None] = {}  # an ordered set
        self.order_status: str | None = None
        self.payment_answer: int | None = None  # the status of the last payment's answer
        self.has_paid = False  # the last payment's post came to its end
        self.statement: Statement | None = None
        self.has_accounted = False
        self.error: str | None = None

    @property
    def awaits(self) -> bool:
        """The order's end is still to be heard."""
        is_asked = self.payment_answer in {202, 409} or self.manner == Manner.LETS_EXPIRE
        return bool(self.orders) and is_asked and not self.is_over

    @property
    def is_over(self) -> bool:
        """The order's end was heard."""
        return self.order_status in ORDER_DONE

    def take_order(self, order: dict[str, Any]) -> None:
        """Hear how the order stands; an answer that was overtaken by newer news is passed over."""
        self.orders.setdefault(order["id"])
        history = order.get("history", ())
        if len(history) < self._news:
            return
        self._news = len(history)
        self.order_status = order["status"]
        was_declined = any(one["status"] == "held" and one["reason"] for one in history)
        if was_declined and self._declined is not None:
            self._declined.set()

    async def spend(self, deadline: float) -> None:
        """Do about the order what the shopper's manner is; the outcomes come by socket."""
        self._declined = asyncio.Event()
        methods = METHODS[self.manner]
        try:
            await asyncio.sleep(self.thinks_s)
            for number, method in enumerate(methods, start=1):
                if not await self.pay(method, deadline) or number == len(methods):
                    return
                async with asyncio.timeout_at(deadline):
                    await self._declined.wait()
        except (NoAnswer, HttpProtocolError, TimeoutError) as error:
            self.error = f"{type(error).__name__}: {error}"
        finally:
            self.has_paid = True

    async def pay(self, method: str, deadline: float) -> bool:
        """Begin one payment of the order; says whether the shop took it up.

        Raises:
            NoAnswer: the shop does not answer.
        """
        if not self.orders:
            return False
        path = f"/api/v1/orders/{next(iter(self.orders))}/payments"
        self.pressed_ns = self.pressed_ns or time.monotonic_ns()
        response = await self._http.post(
            path, {"method": method}, key=str(uuid.uuid4()), tries=Tries(), deadline=deadline
        )
        self.payment_answer = response.status
        return response.status == 202

    async def ask(self, deadline: float) -> None:
        """Ask for an end of the order that the socket has not brought.

        Raises:
            NoAnswer, HttpProtocolError: the shop does not tell.
        """
        response = await self._http.get(f"/api/v1/orders/{next(iter(self.orders))}", deadline=deadline)
        if response.status == 200:
            self.take_order(response.json())

    async def account(self, deadline: float) -> None:
        """Read what the shop keeps of the order's money, again while some of it is still on its way."""
        try:
            while self.orders:
                path = f"/api/v1/orders/{next(iter(self.orders))}/payments"
                response = await self._http.get(path, deadline=deadline)
                self.statement = Statement.of(response.json()) if response.status == 200 else None
                if self.statement is None or self.statement.is_settled:
                    return
                await asyncio.sleep(ASK_AGAIN_S)
        except (NoAnswer, HttpProtocolError) as error:
            self.error = str(error)
        finally:
            self.has_accounted = True
