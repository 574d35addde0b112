"""Opens an order by a link that was mailed, and writes the pass by which it stays open for some hours.

A pass is good for one order of one account and for nothing else: to see it, to pay it, to give it back. It is
signed by the application's secret under a name of its own, so that no other token is taken for one.
"""

import base64
import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from models.enums import LinkKind
from models.errors import LinkSpent
from models.queries.orders import items_of, order_of_shopper
from tasks.accounts.links import use_link
from tasks.context import Context

_LABEL: Final = b"order pass "
_MOST_DIGITS: Final = 12


@dataclass(frozen=True, slots=True)
class OrderPass:
    """What a pass is good for, and until when (s of the epoch)."""

    order_id: UUID
    user_id: UUID
    until: int

    def write(self, secret_key: str) -> str:
        """Sign it."""
        said = f"{self.order_id.hex}.{self.user_id.hex}.{self.until}"
        return f"{said}.{_signature(secret_key, said)}"


def read_pass(written: str, secret_keys: Sequence[str]) -> OrderPass:
    """Read a pass that one of these keys signed.

    Raises:
        LinkSpent: it is none, or its time is over.
    """
    said, _, signature = written.rpartition(".")
    is_signed = written.isascii() and any(
        hmac.compare_digest(signature, _signature(key, said)) for key in secret_keys
    )
    order, user, until = said.split(".") if is_signed else ("", "", "0")
    if len(until) > _MOST_DIGITS or int(until) <= time.time():
        raise LinkSpent("The link was used before, or has expired. Log in to see the order.")
    return OrderPass(UUID(order), UUID(user), int(until))


def open_order(context: Context, token: str) -> tuple[OrderPass, str, str]:
    """Use a mailed link up; returns the pass to its order, what was ordered, the currency.

    Raises:
        LinkSpent: it was used, has expired, or there is none.
    """
    with context.database.transaction() as session:
        link = use_link(session, token, LinkKind.ORDER)
        if link.order_id is None:
            raise LinkSpent("The link leads to no order.")
        order = order_of_shopper(session, link.order_id, link.user_id)
        item = items_of(session, [order.sale_id])[order.sale_id]
        opened = OrderPass(order.id, link.user_id, int(link.expires_at.timestamp()))
        return opened, item, order.currency


def _signature(secret_key: str, said: str) -> str:
    signed = hmac.digest(secret_key.encode(), _LABEL + said.encode(), "sha256")
    return base64.urlsafe_b64encode(signed).rstrip(b"=").decode()
