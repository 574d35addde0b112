"""A database full of today's rows: what the platform's verbs leave behind, and the rest by hand."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.enums import (
    CHOSEN_MAILS,
    AdminAction,
    LinkKind,
    MailKind,
    MailStatus,
    Role,
    SaleStatus,
    StaffRole,
    SubjectKind,
    TaskState,
)
from models.tables.accounts import AccountLink, ApiKey, RecoveryCode, TokenFamily, User
from models.tables.admin_log import AdminLogEntry
from models.tables.background import BackgroundTask
from models.tables.base import Base
from models.tables.catalogue import LostTickets
from models.tables.journal import JournalEntry
from models.tables.ledger_identity import identity_of
from models.tables.mails import Mail
from models.tables.notices.follows import SaleFollow
from models.tables.notices.pushes import PushMessage, PushSubscription
from models.tables.notices.verdicts import VerdictNotice
from models.tables.orders import Intent, Order
from models.tables.payments import Refund, WebhookEvent
from models.tables.privacy import Consent, Export
from models.tables.reports import SaleReport
from tasks.payments.begin import begin_payment
from tasks.payments.drive import run_due_payments
from tests.support.played import Played
from tests.support.shop import Shop

NOW: Final = datetime.now(UTC)
LATER: Final = NOW + timedelta(days=1)


def fill_every_table(shop: Shop) -> None:
    """Leave rows in every table; where releases brought words to a column, one with each."""
    played = Played.to_its_end(shop)
    played.settle()
    played.refund()
    paid, standing_by = _sell_by_the_sandbox(shop)
    _leave_a_lobby(shop)
    shop.scheduled_sale(requires_verified_email=True)
    with shop.context.database.transaction() as session:
        identity_of(session.connection())
        people = list(_people())
        refund = session.scalars(select(Refund)).one()
        for rows in (
            people,
            _of_accounts(people[0], paid),
            _mails(people[0], refund),
            _pushes(people[0]),
            _work(people[-1], paid.sale_id),
            _of_the_sale(people[0], standing_by),
        ):
            _add(session, rows)


def _add(session: Session, rows: Iterable[Base]) -> None:
    for row in rows:
        session.add(row)
        session.flush()


def _sell_by_the_sandbox(shop: Shop) -> tuple[Order, Intent]:
    """Sell a unit for the sandbox's money; raise the sale by one, which is held; one stands by."""
    sale = shop.open_sale(1)
    sale.line_up(shop.shoppers(1))
    sale.drain()
    [order] = sale.orders()
    begin_payment(shop.context, order.user_id, order.id, method="sandbox_ok")
    run_due_payments(shop.context)
    sale.change(allocation=2)
    sale.line_up(shop.shoppers(2))
    sale.drain()
    return order, sale.intents()[-1]


def _leave_a_lobby(shop: Shop) -> None:
    """Give up a place before there are tickets: its verdict has none."""
    lobby, [shopper, other] = shop.lobby(), shop.shoppers(2)
    [left, _] = lobby.line_up([shopper, other])
    lobby.leave(shopper, left)
    lobby.move(SaleStatus.OPEN)
    lobby.drain()


def _people() -> Iterable[User]:
    """One with everything that an account can have, one that was erased, and one of each role of staff."""
    yield User(
        id=uuid4(), email="shopper@example.com", name="Ann", password_hash="h", banned_at=NOW,
        ban_reason="bots", expel_at=LATER, email_verified_at=NOW, password_changed_at=NOW,
        language="de", time_zone="Europe/Berlin", mail_choices={"opens_soon": False}, totp_secret="s",
        totp_confirmed_at=NOW, totp_last_step=1, terms_version="1", terms_accepted_at=NOW,
    )  # fmt: skip
    one = uuid4()
    yield User(id=one, email=f"erased-{one}@erased.invalid", erasure_asked_at=NOW, erased_at=NOW)
    for role in StaffRole:
        yield User(id=uuid4(), email=f"{role}@example.com", role=Role.ADMIN, staff_role=role)


def _of_accounts(user: User, order: Order) -> Iterable[Base]:
    yield TokenFamily(
        user_id=user.id, newest_jti=uuid4(), expires_at=LATER, revoked_at=NOW, user_agent="Firefox"
    )
    yield RecoveryCode(user_id=user.id, digest=b"1")
    yield Consent(user_id=user.id, version="1")
    yield Export(id=uuid4(), user_id=user.id, expires_at=LATER, content=b"{}")
    for kind in LinkKind:
        yield AccountLink(
            digest=kind.encode(),
            user_id=user.id,
            kind=kind,
            expires_at=LATER,
            email="new@example.com" if kind == LinkKind.CHANGE_EMAIL else None,
            order_id=order.id if kind == LinkKind.ORDER else None,
            staff_role=StaffRole.VIEWER if kind == LinkKind.INVITATION else None,
        )


def _mails(user: User, refund: Refund) -> Iterable[Mail]:
    for at, kind in enumerate(MailKind):
        status = list(MailStatus)[at % len(MailStatus)]
        yield Mail(
            kind=kind,
            user_id=user.id,
            order_id=refund.order_id if kind in (MailKind.RECEIPT, MailKind.REFUND) else None,
            refund_id=refund.id if kind == MailKind.REFUND else None,
            to_name=user.name,
            to_email=user.email,
            message_id=kind,
            status=status,
            due_at=LATER if status == MailStatus.PENDING else None,
            mailed_at=NOW if status == MailStatus.MAILED else None,
            given_up_at=NOW if status == MailStatus.GIVEN_UP else None,
        )


def _pushes(user: User) -> Iterable[Base]:
    browser = PushSubscription(
        id=uuid4(), user_id=user.id, endpoint="https://push.example/1", p256dh="k", auth="a"
    )
    yield browser
    for kind in CHOSEN_MAILS:
        yield PushMessage(
            subscription_id=browser.id, kind=kind, name="1", contents={}, language="en", expires_at=LATER
        )


def _work(owner: User, sale_id: UUID) -> Iterable[Base]:
    key = ApiKey(
        id=uuid4(), name="Stock", digest=b"k", beginning="fs_1", staff_role=StaffRole.VIEWER, made_by=owner.id
    )
    yield key
    for state in TaskState:
        yield BackgroundTask(kind="report", state=state, sale_id=sale_id, requested_by=owner.id)
    for kind in SubjectKind:
        for deed in AdminAction:
            yield AdminLogEntry(
                actor_id=owner.id, key_id=key.id, deed=deed, subject_kind=kind, subject_id=sale_id, details={}
            )


def _of_the_sale(user: User, intent: Intent) -> Iterable[Base]:
    yield SaleFollow(sale_id=intent.sale_id, user_id=user.id)
    yield LostTickets(sale_id=intent.sale_id, first_ticket=5, last_ticket=6, before_opening=False)
    yield SaleReport(sale_id=intent.sale_id, is_final=False, mark={}, sold=1, content={})
    yield WebhookEvent(provider="sandbox", event_id="1", kind="charge")
    yield JournalEntry(
        intent_id=intent.id, sale_id=intent.sale_id, user_id=intent.user_id, ticket=intent.ticket,
        in_lobby=False, quantity=1, accept_fewer=False, key="", body_hash="", submitted_at=NOW,
    )  # fmt: skip
    for kind in CHOSEN_MAILS:
        yield VerdictNotice(kind=kind, sale_id=intent.sale_id, intent_ids=[intent.id], due_at=LATER)
