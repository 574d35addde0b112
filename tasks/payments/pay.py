"""Pays orders at shoppers' requests: begins the payment, and finishes it at once if it costs nothing.

A process that serves many at once has one `PaymentDesk`: what comes together is begun, or taken, together.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import structlog

from models.enums import OrderStatus
from models.errors import FlashSaleError
from models.messages import Message
from models.queries.payments import open_payment
from tasks.context import Context
from tasks.intake.gathering import Gathering
from tasks.payments.begin import Wanted, begin_payments
from tasks.payments.drive import run_payment
from tasks.payments.order_updates import tell_order
from tasks.payments.outcomes import OPEN
from tasks.payments.received import Received, key_of
from tasks.payments.webhooks import read_event, take_events

MOST_AT_ONCE: Final = 100
LANES: Final = 2  # batches of each kind at a time: while one commits, the next is read

log = structlog.get_logger()


class PaymentDesk:
    """Where a process takes payments and webhooks, from many at once."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._beginning: Gathering[int, Wanted, Message] = Gathering(
            "payments", lambda _, wanted: begin_payments(context, wanted), most=MOST_AT_ONCE
        )
        self._taking: Gathering[int, Received, bool] = Gathering(
            "webhooks", lambda _, received: take_events(context, received), most=MOST_AT_ONCE
        )

    def pay(self, user_id: UUID, order_id: UUID, *, method: str, key: str = "") -> Message:
        """Have a hold paid, together with others who ask now: it is `paying`, or `paid` if it costs nothing.

        Raises: as `begin_payment` does.
        """
        told = self._beginning.ask(hash(order_id) % LANES, Wanted(user_id, order_id, method, key))
        return _finish_free(self._context, order_id, told)

    def take_webhook(self, provider: str, body: bytes, headers: Mapping[str, str]) -> bool:
        """Do what `webhooks.take_webhook` does, together with others that come at the same time."""
        received = read_event(self._context, provider, body, headers)
        return self._taking.ask(hash(key_of(received)) % LANES, received)


def _finish_free(context: Context, order_id: UUID, told: Message) -> Message:
    """Do what a worker would do for what costs nothing: there is no provider to wait for."""
    if told["status"] != OrderStatus.PAYING or told["total"]["amount_minor"] != 0:
        return told
    try:
        with context.database.transaction() as session:
            payment_id = open_payment(session, order_id, OPEN)
        if payment_id is not None:
            run_payment(context, payment_id)
        return tell_order(context, order_id, is_news=False)
    except FlashSaleError as error:  # it is begun, and the bell was rung
        log.warning("free_order_waits", order_id=str(order_id), error=str(error))
        return told
