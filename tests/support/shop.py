"""The builders: `sale = shop.open_sale(units=3)`, `sale.line_up(shop.shoppers(5))`, `sale.drain()`."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from models.audit import Audit, audit_sale
from models.enums import Role, SaleStatus, StaffRole
from models.live.keys import SaleKeys
from models.live.records import Look
from models.messages import Message
from models.tables.accounts import User
from models.tables.background import BackgroundTask
from models.tables.catalogue import Product, Sale
from models.tables.orders import Intent, Order
from tasks.background import queue
from tasks.context import Context
from tasks.intents import submit
from tasks.intents.drain import drain_sale
from tasks.orders.holds import sweep_holds
from tasks.sales import lifecycle
from tasks.sweep import sweep

T = TypeVar("T")
PRICE_MINOR = 1_999


@dataclass(frozen=True, slots=True)
class SaleUnderTest:
    """A sale, seen and acted upon as the platform's own parts do it."""

    context: Context
    id: UUID

    def submit(self, user: UUID, *, quantity: int = 1, accept_fewer: bool = False, key: str = "") -> Message:
        """Have a shopper ask; raises what the platform raises."""
        return submit.submit_intent(
            self.context, user, self.id, quantity=quantity, accept_fewer=accept_fewer, key=key
        )

    def line_up(self, users: Iterable[UUID], *, quantity: int = 1) -> list[UUID]:
        """Have each ask, one after the other; returns the intents' ids."""
        return [UUID(self.submit(user, quantity=quantity)["id"]) for user in users]

    def drain(self) -> int:
        """Decide and persist what stands in line, as a worker would."""
        return drain_sale(self.context, self.id)

    def move(self, status: SaleStatus) -> None:
        """Open, pause, resume, end or cancel it."""
        lifecycle.move_sale(self.context, self.id, status)

    def change(self, **changes: Any) -> None:
        """Change its settings."""
        lifecycle.change_sale(self.context, self.id, changes)

    def leave(self, user: UUID, intent_id: UUID) -> Message:
        """Have a shopper give up the place in line."""
        return submit.leave_line(self.context, user, intent_id)

    def look(self) -> Look:
        """Take a snapshot of the live store."""
        return self.context.live.look(self.id)

    def is_idle(self) -> bool:
        """Whether nobody stands in line and no verdict is in flight; some may stand by."""
        look = self.look()
        return look.line_length == 0 and look.claims == 0

    def row(self) -> Sale:
        """Read the ledger's row."""
        return lifecycle.get_sale(self.context, self.id)

    def intents(self) -> list[Intent]:
        """List the decided intents in ticket order."""
        query = select(Intent).where(Intent.sale_id == self.id).order_by(Intent.ticket)
        return self._read(lambda session: list(session.scalars(query)))

    def statuses(self) -> list[str]:
        """List the verdicts in ticket order."""
        return [intent.status for intent in self.intents()]

    def orders(self) -> list[Order]:
        """List the orders in ticket order."""
        query = select(Order).join(Intent, Intent.id == Order.intent_id).where(Order.sale_id == self.id)
        query = query.order_by(Intent.ticket)
        return self._read(lambda session: list(session.scalars(query)))

    def audit(self) -> Audit:
        """Audit it."""
        return audit_sale(self.context.database, self.context.live, self.id)

    def forget_bell(self) -> None:
        """Let the last bell have been rung so long ago that it counts as lost."""
        self.context.live.client.hset(SaleKeys.of(self.id).state, "bell_ms", "1")

    def sql(self, statement: str, **values: Any) -> None:
        """Do something to the ledger that the platform would never do."""
        with self.context.database.connection() as connection:
            connection.execute(text(statement), {"sale_id": self.id, **values})

    def _read(self, ask: Callable[[Session], T]) -> T:
        with self.context.database.transaction() as session:
            return ask(session)


@dataclass(frozen=True, slots=True)
class Shop:
    """Makes sales and shoppers in a context."""

    context: Context

    def scheduled_sale(
        self, units: int = 10, *, limit: int = 1, opens_in_s: float = 60, lasts_s: float = 3600, **more: Any
    ) -> SaleUnderTest:
        """Create a sale that opens by hand, or by itself in a while: no sweep gets ahead of the test."""
        opens_at = datetime.now(UTC) + timedelta(seconds=opens_in_s)
        new = lifecycle.NewSale(
            product_id=self.product(),
            allocation=units,
            price_minor=PRICE_MINOR,
            currency="USD",
            opens_at=opens_at,
            closes_at=opens_at + timedelta(seconds=lasts_s),
            per_shopper_limit=limit,
            **more,
        )
        return SaleUnderTest(self.context, lifecycle.create_sale(self.context, new).id)

    def open_sale(self, units: int = 10, *, limit: int = 1, **more: Any) -> SaleUnderTest:
        """Create a sale and open it."""
        sale = self.scheduled_sale(units, limit=limit, **more)
        sale.move(SaleStatus.OPEN)
        return sale

    def drained_sale(self, units: int = 10, *, asked: int, **more: Any) -> SaleUnderTest:
        """Create an open sale that so many ask for, and decide on all of them."""
        sale = self.open_sale(units, **more)
        sale.line_up(self.shoppers(asked))
        sale.drain()
        return sale

    def lobby(self, units: int = 10, *, order: str = "fifo") -> SaleUnderTest:
        """Create a sale whose lobby is open."""
        opened = datetime.now(UTC) - timedelta(seconds=1)
        return self.scheduled_sale(units, lobby_opens_at=opened, admission_order=order)

    def sweep(self) -> int:
        """Look after holds and sales once, as every worker's timer does; returns how many bells rang."""
        sweep_holds(self.context)
        return sweep(self.context)

    def work_off(self) -> None:
        """Do the background tasks that were asked for, as a worker would."""
        with self.context.database.transaction() as session:
            asked = session.scalars(select(BackgroundTask.id)).all()
        for task_id in asked:
            queue.run(self.context, task_id)

    def product(self) -> UUID:
        """Create a product."""
        product = Product(id=uuid.uuid4(), name="Kettle", list_price_minor=4_999, currency="USD")
        with self.context.database.transaction() as session:
            session.add(product)
        return product.id

    def shoppers(self, count: int) -> list[UUID]:
        """Create accounts."""
        return self._people(count, Role.SHOPPER)

    def shopper(self) -> UUID:
        """Create one account."""
        return self.shoppers(1)[0]

    def nobody(self) -> UUID:
        """Name an account that does not exist: the ledger refuses its intents."""
        return uuid.uuid4()

    def admin(self) -> UUID:
        """Create an admin."""
        return self._people(1, Role.ADMIN)[0]

    def _people(self, count: int, role: Role) -> list[UUID]:
        ids = [uuid.uuid4() for _ in range(count)]
        staff_role = StaffRole.OWNER if role == Role.ADMIN else None
        rows: Sequence[dict[str, Any]] = [
            {"id": one, "email": f"{one.hex}@example.com", "role": role, "staff_role": staff_role}
            for one in ids
        ]
        if rows:
            with self.context.database.connection() as connection:
                connection.execute(insert(User), rows)
        return ids
