"""Mail under test: a shop with mail configured, its outbox, and who sends it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, update

from config import MailSettings
from models.enums import MailStatus
from models.tables.mails import Mail
from models.tables.notices.verdicts import VerdictNotice
from models.tables.orders import Order
from tasks.mail.delivery import Mailer
from tasks.mail.links import Links
from tests.support.contexts import context_over, plain_settings
from tests.support.paying import Till
from tests.support.servers import Stores
from tests.support.shop import SaleUnderTest, Shop


@dataclass(frozen=True, slots=True)
class MailShop:
    """A shop with mail, whose letters go where a test says."""

    shop: Shop
    till: Till

    def mailer(self, settings: MailSettings | None, **options: Any) -> Mailer:
        """Make the sender, with timeouts short enough for a test."""
        patience = {"timeout_s": 5.0, "deadline_s": 15.0} | options
        links = Links.of(self.shop.context.settings)
        return Mailer(self.shop.context.database, settings, links, **patience)

    def held(self, buyers: int = 1, **more: Any) -> tuple[SaleUnderTest, list[Order]]:
        """Open a sale and have so many buyers hold a unit each."""
        sale = self.shop.drained_sale(buyers, asked=buyers, **more)
        return sale, sale.orders()

    def paid(self, buyers: int = 1) -> list[Order]:
        """Have so many buyers pay for a unit each."""
        _, orders = self.held(buyers)
        for order in orders:
            self.till.pay(order)
        return orders

    def mails(self) -> list[Mail]:
        """Read the outbox, oldest first."""
        with self.shop.context.database.transaction() as session:
            return list(session.scalars(select(Mail).order_by(Mail.created_at, Mail.id)))

    def mail(self) -> Mail:
        """Read the only mail."""
        (mail,) = self.mails()
        return mail

    def statuses(self) -> list[str]:
        """What became of each mail."""
        return [mail.status for mail in self.mails()]

    def are_mailed(self) -> bool:
        """Whether nothing waits."""
        return set(self.statuses()) == {MailStatus.MAILED}

    def pause_s(self) -> float:
        """In how many seconds the only mail is due."""
        with self.shop.context.database.connection() as connection:
            pause = connection.scalar(text("SELECT EXTRACT(epoch FROM due_at - now()) FROM mails"))
        assert pause is not None
        return float(pause)

    def make_due(self) -> None:
        """Let every pause and every lease be over."""
        with self.shop.context.database.transaction() as session:
            session.execute(update(Mail).where(Mail.due_at.is_not(None)).values(due_at=Mail.created_at))

    def make_notices_due(self) -> None:
        """Let it be time to see who did not hear of a verdict, and for holds to end soon."""
        with self.shop.context.database.transaction() as session:
            session.execute(update(VerdictNotice).values(due_at=VerdictNotice.created_at))

    def age(self, days: int) -> None:
        """Let every mail have been entered so many days earlier."""
        with self.shop.context.database.connection() as connection:
            connection.execute(
                text("UPDATE mails SET created_at = created_at - make_interval(days => :days)"),
                {"days": days},
            )

    def rename(self, user_id: UUID, name: str) -> None:
        """Give a shopper another name."""
        with self.shop.context.database.connection() as connection:
            connection.execute(
                text("UPDATE users SET name = :name WHERE id = :id"), {"name": name, "id": user_id}
            )


@contextmanager
def mail_shop_over(stores: Stores, settings: MailSettings | None) -> Iterator[MailShop]:
    """Make a shop whose process has this mail configured, or none."""
    with context_over(replace(plain_settings(stores), mail=settings)) as context:
        till = Till.over(context)
        yield MailShop(Shop(till.context), till)


def in_threads(count: int, mailer: Mailer, taken: list[int]) -> list[threading.Thread]:
    """Have so many threads deliver, and gather what each says."""
    threads = [threading.Thread(target=lambda: taken.append(mailer.deliver())) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads
