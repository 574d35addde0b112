"""A sale that was played to its end, of which tests know every figure."""

from dataclasses import dataclass
from uuid import UUID

from models.enums import SaleStatus
from models.tables.orders import Order
from tasks.orders.holds import cancel_order
from tasks.payments.refunds import request_refund
from tests.support.paying import Till
from tests.support.shop import SaleUnderTest, Shop


@dataclass(frozen=True, slots=True)
class Played:
    """Four units and eight shoppers, each asking for one.

    Tickets 1 and 2 pay, 3 lets the hold expire, 4 gives it up; 5 and 6 get those units from standby and pay;
    7 leaves, 8 is told that nothing is left. `settle` has the last one pay; `refund` gives ticket 1's money
    back.
    """

    shop: Shop
    sale: SaleUnderTest
    till: Till
    people: list[UUID]

    @classmethod
    def to_its_end(cls, shop: Shop) -> "Played":
        """Play it until it is over; ticket 6 has not paid yet."""
        sale, till, people = shop.open_sale(4), Till.over(shop.context), shop.shoppers(8)
        ids = sale.line_up(people)
        sale.drain()
        played = cls(shop, sale, till, people)
        till.pay(played._order(0))
        till.pay(played._order(1))
        till.end_hold(played._order(2))
        shop.sweep()
        cancel_order(shop.context, people[3], played._order(3).id)
        sale.leave(people[6], ids[6])
        sale.drain()
        till.pay(played._order(4))
        sale.move(SaleStatus.ENDED)
        played.look_after()
        return played

    def settle(self) -> None:
        """Let the last hold be paid."""
        self.till.pay(self._order(5))
        self.look_after()

    def refund(self) -> None:
        """Give the money of the first order back."""
        request_refund(self.till.context, self._order(0).id, by=None)
        self.till.drive_refunds()
        self.look_after()

    def look_after(self) -> None:
        """Do what sweeps and drains do until nothing is left to do."""
        self.shop.sweep()
        self.sale.drain()
        self.shop.sweep()

    def _order(self, at: int) -> Order:
        return next(one for one in self.sale.orders() if one.user_id == self.people[at])
