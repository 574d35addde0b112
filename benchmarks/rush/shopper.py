"""One shopper of a crowd: its one submission, and what it is told. Its money is its purse's."""

import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

import orjson

from benchmarks.client.http import HttpPool, NoAnswer, ShopClient, Tries
from benchmarks.client.http_wire import HttpProtocolError, Response, Target
from benchmarks.client.sockets import text_message
from benchmarks.rush.manners import Manner
from benchmarks.rush.purse import Purse
from benchmarks.verify.testimony import FINAL, Told

NOT_OFFERED: Final = frozenset({404, 405})

Person = tuple[str, str, Manner]  # user id, access token, what it does about a hold
Spawn = Callable[[Coroutine[Any, Any, None]], None]  # starts something whose failure is seen


@dataclass(frozen=True, slots=True)
class Errand:
    """What every shopper of a crowd is after."""

    target: Target
    sale_id: str
    quantity: int
    source: str | None = None  # the loopback address to come from, when one has too few ports


class Shopper:
    """A client of the shop. It remembers everything that it hears, also what contradicts itself."""

    def __init__(self, errand: Errand, pool: HttpPool, person: Person, spawn: Spawn) -> None:
        user_id, token, manner = person
        self._errand = errand
        self._spawn = spawn
        self._http = ShopClient(pool, token)
        self._token = token
        self.user_id = user_id
        self._key = str(uuid.uuid4())
        self._spends_until: float | None = None
        self._tries = Tries()
        self._intents: dict[str, None] = {}  # an ordered set, as the two below
        self._tickets: dict[int, None] = {}
        self._verdicts: dict[str, None] = {}
        self._answered_ns: int | None = None
        self._refusal: str | None = None
        self._decided_ns: int | None = None
        self._final_ns: int | None = None
        self._heard_by: str | None = None
        self._reconnects = 0
        self.is_connected = False  # the sale's snapshot was heard since the socket opened
        self.answer: int | None = None
        self.has_submitted = False  # the submission came to its end, whatever that was
        self.is_standby = False
        self.purse = Purse(self._http, manner)
        self.socket_error: str | None = None

    @property
    def is_final(self) -> bool:
        """The final verdict has been heard."""
        return bool(self._verdicts)

    @property
    def holds(self) -> bool:
        """This shopper was granted its units."""
        return "held" in self._verdicts

    def greet(self) -> bytes:
        """What to say first on a new connection: who this is, and what it watches."""
        words = (
            {"type": "auth", "token": self._token},
            {"type": "subscribe", "sale_id": self._errand.sale_id},
        )
        return b"".join(text_message(orjson.dumps(word)) for word in words)

    def use_token(self, token: str) -> None:
        """Be known by another token from now on."""
        self._token = token
        self._http.use_token(token)

    async def submit(self, deadline: float) -> None:
        """Ask for the units; the same key again until the shop answers."""
        path = f"/api/v1/sales/{self._errand.sale_id}/intents"
        body = {"quantity": self._errand.quantity}
        try:
            response = await self._http.post(path, body, key=self._key, tries=self._tries, deadline=deadline)
            self._answered_ns = response.received_ns
            self.answer = response.status
            self._take_answer(response)
        except (NoAnswer, HttpProtocolError) as error:
            self._refusal = str(error)
        finally:
            self.has_submitted = True

    def _take_answer(self, response: Response) -> None:
        said = response.json()
        if response.status == 202:
            self._take_intent(said, "answer", response.received_ns)
        else:
            self._refusal = said.get("code")

    async def poll(self, deadline: float) -> None:
        """Ask for what the socket has not brought: the verdict, and the order's end."""
        try:
            if not self.is_final and self._intents:
                response = await self._http.get(
                    f"/api/v1/intents/{next(iter(self._intents))}", deadline=deadline
                )
                if response.status == 200:
                    self._take_intent(response.json(), "poll", response.received_ns)
            if self.purse.awaits:
                await self.purse.ask(deadline)
        except (NoAnswer, HttpProtocolError) as error:
            self.socket_error = str(error)

    def spend_from_now(self, deadline: float) -> None:
        """See to the order as soon as there is one: at once, or at the verdict."""
        if self._spends_until is None:
            self._spends_until = deadline
            if self.holds:
                self._spawn(self.purse.spend(deadline))

    def told(self) -> Told:
        """What this shopper can testify."""
        return Told(
            shopper_id=self.user_id,
            quantity=self._errand.quantity,
            sent_ns=self._tries.first_sent_ns,
            answered_ns=self._answered_ns,
            answer=self.answer,
            refusal=self._refusal,
            intent_ids=tuple(self._intents),
            tickets=tuple(self._tickets),
            decided_ns=self._decided_ns,
            final_ns=self._final_ns,
            verdicts=tuple(self._verdicts),
            heard_by=self._heard_by,
            order_ids=tuple(self.purse.orders),
            order_status=self.purse.order_status,
            payment_answer=self.purse.payment_answer,
            resubmits=self._tries.resent,
            throttled=self._tries.throttled,
            reconnects=self._reconnects,
            manner=self.purse.manner,
            statement=self.purse.statement,
        )

    def hear(self, message: bytes, at_ns: int) -> bool:
        """Take a message of the socket; False when it says that this connection is good for nothing."""
        if message.startswith(b'{"type":"sale"'):
            self.is_connected = True
            return True  # only that it came matters here; parsing each would take CPU from the shop
        said: dict[str, Any] = orjson.loads(message)
        kind = said.get("type")
        if kind == "intent":
            self._take_intent(said, "socket", at_ns)
        elif kind == "order":
            if said.get("sale_id") == self._errand.sale_id:
                self.purse.take_order(said)
        elif kind == "error" and not self.is_connected:
            self.socket_error = f"{said.get('code')}: {said.get('detail')}"
            return False
        return True

    def lose_socket(self, reason: str) -> None:
        """Hear that the socket is lost; it comes back by itself."""
        self._reconnects += self.is_connected
        self.is_connected = False
        self.socket_error = reason

    def _take_intent(self, intent: dict[str, Any], channel: str, now_ns: int) -> None:
        if intent.get("sale_id") != self._errand.sale_id:
            return
        self._intents.setdefault(intent["id"])
        if intent.get("ticket") is not None:
            self._tickets.setdefault(intent["ticket"])
        if intent.get("order_id") is not None:
            self.purse.orders.setdefault(intent["order_id"])
        status = str(intent["status"])
        self.is_standby = self.is_standby or status == "standby"  # a slower answer may be older news
        if status == "standby" or status in FINAL:
            self._decided_ns = self._decided_ns or now_ns
        if status in FINAL and status not in self._verdicts:
            self._verdicts[status] = None
            self._final_ns = self._final_ns or now_ns
            self._heard_by = self._heard_by or channel
            if status == "held" and self._spends_until is not None:
                self._spawn(self.purse.spend(self._spends_until))
