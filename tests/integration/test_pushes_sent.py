"""Pushes on their way to browsers, by a service that checks, decrypts, refuses and hangs."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text
from structlog.testing import capture_logs

from config import ConfigurationError
from models.enums import MailKind, SaleStatus
from models.errors import NotFound
from models.queries.tallies import read_tallies
from models.tables.notices.pushes import PushMessage
from tasks.context import Context
from tasks.notices.absent import tell_due
from tasks.notices.browsers import MOST, Browser, list_subscriptions, subscribe
from tasks.notices.follows import follow_sale
from tasks.notices.opens_soon import tell_of_openings
from tasks.payments.sweep import sweep_payments
from tasks.push.delivery import Pusher
from tasks.push.outbox import LIVES, Notice, take_up, tell_by_push
from tasks.runtime.tallies import PUSHES
from tests.support.contexts import RememberingBell, context_over, plain_settings
from tests.support.push_service import HANG, PushService, nobodys_family, push_service_open, push_settings
from tests.support.servers import Stores
from tests.support.shop import Shop
from tests.support.threads import at_once
from web.metrics.money import MoneyFigures


@dataclass(frozen=True, slots=True)
class PushShop:
    """A shop that pushes, and the service that its browsers are at."""

    context: Context
    shop: Shop
    service: PushService

    @property
    def pusher(self) -> Pusher:
        assert self.context.pusher is not None
        return self.context.pusher

    def impatient(self) -> Pusher:
        """One that waits no longer for a service than a test wants to."""
        assert self.context.settings.push is not None
        return Pusher(self.context.database, self.context.settings.push, spares_loopback=True, timeout_s=4)

    def reader(self) -> tuple[UUID, Browser]:
        """An account with a browser."""
        user, browser = self.shop.shopper(), self.service.browser()
        subscribe(self.context, user, nobodys_family(), browser)
        return user, browser

    def tell(self, *users: UUID, kind: MailKind = MailKind.HOLD_BEGUN, lives: timedelta = LIVES) -> UUID:
        """Tell accounts of one thing; returns its id."""
        subject = uuid4()
        self.tell_of(subject, *users, kind=kind, lives=lives)
        return subject

    def tell_of(
        self, subject: UUID, *users: UUID, kind: MailKind = MailKind.HOLD_BEGUN, lives: timedelta = LIVES
    ) -> int:
        notices = [Notice(user, subject, "Kettle", f"/orders/{subject}") for user in users]
        with self.context.database.transaction() as session:
            return tell_by_push(session, kind, notices, lives=lives)

    def messages(self) -> list[PushMessage]:
        with self.context.database.transaction() as session:
            return list(session.scalars(select(PushMessage).order_by(PushMessage.created_at)))

    def sql(self, statement: str, **values: Any) -> Any:
        with self.context.database.connection() as connection:
            result = connection.execute(text(statement), values)
            return result.scalar() if result.returns_rows else None

    def pause_s(self) -> float:
        """In how many seconds the only push is due."""
        return float(self.sql("SELECT EXTRACT(epoch FROM due_at - now()) FROM push_messages"))

    def make_due(self) -> None:
        """Let every pause and lease be over."""
        self.sql("UPDATE push_messages SET due_at = created_at WHERE due_at IS NOT NULL")


@pytest.fixture
def pushing(stores: Stores, clean: None) -> Iterator[PushShop]:  # noqa: ARG001
    settings = replace(plain_settings(stores), push=push_settings())
    with push_service_open() as service, context_over(settings) as context:
        yield PushShop(context, Shop(context), service)


def test_a_push_is_encrypted_signed_and_says_what_happened_once(pushing: PushShop) -> None:
    (user, _), _ = pushing.reader(), pushing.reader()
    pushing.sql("UPDATE users SET language = 'de', name = 'Ada' WHERE id = :id", id=user)
    subject = pushing.tell(user)
    assert pushing.tell_of(subject, user) == 0
    assert pushing.pusher.has_due()
    assert [pushing.pusher.deliver() for _ in range(2)] == [1, 0]
    [heard] = pushing.service.heard
    assert heard.said == {
        "title": "Kettle",
        "body": "Es ist jetzt für dich reserviert. Bezahle, bevor die Reservierung abläuft.",
        "page": f"/orders/{subject}",
        "tag": f"hold_begun.{subject}",
        "lang": "de",
    }
    assert heard.claims["sub"] == "mailto:shop@example.com"
    assert 3500 < int(heard.headers["TTL"]) <= 3600
    assert len(heard.headers["Topic"]) == 32
    assert pushing.messages()[0].sent_at is not None


def test_every_browser_of_an_account_is_told_while_its_log_in_is_good(
    pushing: PushShop,
) -> None:
    user = pushing.shop.shopper()
    browsers = {state: pushing.service.browser() for state in ("good", "revoked", "expired")}
    for state, browser in browsers.items():
        family = uuid4()
        pushing.sql(
            "INSERT INTO token_families (id, user_id, newest_jti, expires_at) VALUES (:id, :user, :id, now() "
            "+ interval '1 h' * :good)",
            id=family,
            user=user,
            good=-1 if state == "expired" else 1,
        )
        subscribe(pushing.context, user, family, browser)
        if state == "revoked":
            pushing.sql("UPDATE token_families SET revoked_at = now() WHERE id = :id", id=family)
    pushing.tell(user)
    assert pushing.pusher.deliver() == 1
    assert len(pushing.service.told(browsers["good"])) == 1


def test_a_browser_that_tells_somebody_else_now_says_nothing_of_the_one_before(pushing: PushShop) -> None:
    user, browser = pushing.reader()
    pushing.tell(user)
    other = pushing.shop.shopper()
    subscribe(pushing.context, other, nobodys_family(), browser)
    subscribe(pushing.context, other, nobodys_family(), browser)
    assert (pushing.messages(), list_subscriptions(pushing.context, user)) == ([], [])
    assert len(list_subscriptions(pushing.context, other)) == 1


def test_the_oldest_browsers_make_room(pushing: PushShop) -> None:
    user, first = pushing.reader()
    for _ in range(MOST):
        subscribe(pushing.context, user, nobodys_family(), pushing.service.browser())
    found = [one.endpoint for one in list_subscriptions(pushing.context, user)]
    assert (len(found), first.endpoint in found) == (MOST, False)
    assert pushing.sql("SELECT count(*) FROM push_subscriptions") == MOST


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_is_forgotten(pushing: PushShop, status: int) -> None:
    user, browser = pushing.reader()
    pushing.service.answer(browser, status)
    pushing.tell(user)
    assert pushing.pusher.deliver() == 0
    assert (list_subscriptions(pushing.context, user), pushing.messages()) == ([], [])


@pytest.mark.parametrize(
    ("status", "retry_after", "least", "most"),
    [(429, "90", 85, 90), (503, "", 3, 5), (500, "9" * 30, 0, 3600)],
)
def test_a_service_that_is_busy_is_asked_again_after_a_pause(
    pushing: PushShop, status: int, retry_after: str, least: float, most: float
) -> None:
    user, browser = pushing.reader()
    pushing.service.answer(browser, status, retry_after)
    pushing.tell(user, lives=timedelta(days=1))
    assert pushing.pusher.deliver() == 0
    assert not pushing.pusher.has_due()
    assert least <= pushing.pause_s() <= most
    pushing.make_due()
    assert pushing.pusher.deliver() == 1
    assert len(pushing.service.told(browser)) == 1


@pytest.mark.parametrize("status", [400, 403, 413, 307])
def test_what_is_refused_for_good_is_given_up_aloud_and_no_redirect_is_followed(
    pushing: PushShop, status: int
) -> None:
    user, browser = pushing.reader()
    pushing.service.answer(browser, status)
    pushing.tell(user)
    with capture_logs() as logs:
        assert pushing.pusher.deliver() == 0
    [line] = [line for line in logs if line["log_level"] == "warning"]
    assert (line["event"], line["error"]) == ("push_given_up", f"answered {status}")
    assert browser.endpoint.rpartition("/")[2] not in str(logs)
    assert (len(pushing.service.asked), pushing.pusher.has_due()) == (1, False)


def test_after_its_time_a_push_is_given_up(pushing: PushShop) -> None:
    user, browser = pushing.reader()
    pushing.service.answer(browser, 503)
    pushing.tell(user, lives=timedelta(seconds=2))  # less than the first pause
    pushing.tell(user, lives=timedelta(0))
    assert pushing.pusher.deliver() == 0
    given_up = {(one.error, one.due_at) for one in pushing.messages()}
    assert given_up == {("answered 503", None), ("too late", None)}


def test_what_becomes_of_pushes_is_counted(pushing: PushShop) -> None:
    answers = {"sent": 201, "gone": 410, "put_off": 503, "given_up": 400}
    for status in answers.values():
        user, browser = pushing.reader()
        pushing.service.answer(browser, status)
        pushing.tell(user)
    pushing.pusher.deliver()
    with pushing.context.database.transaction() as session:
        counted = read_tallies(session)[PUSHES]
    kind = MailKind.HOLD_BEGUN
    assert counted == {(kind, "entered"): (4, 0)} | {(kind, result): (1, 0) for result in answers}
    page = MoneyFigures(pushing.context.database, "sandbox").text()
    assert 'pushes_total{kind="hold_begun",result="gone"} 1\n' in page
    assert 'pushes_open{status="pending"} 1\n' in page


def test_services_that_hang_hold_up_no_other(pushing: PushShop) -> None:
    stuck = [pushing.reader() for _ in range(30)]
    for _, browser in stuck:
        pushing.service.answer(browser, HANG)
    good = [pushing.reader() for _ in range(30)]
    pushing.tell(*(user for user, _ in (*stuck, *good)))
    assert pushing.impatient().deliver() == 30
    assert all(pushing.service.told(browser) for _, browser in good)
    assert {one.error for one in pushing.messages()} == {None, "TimeoutError: "}


def test_many_processes_send_each_push_once(pushing: PushShop) -> None:
    readers = [pushing.reader() for _ in range(60)]
    pushing.tell(*(user for user, _ in readers))
    assert pushing.context.settings.push is not None
    another = partial(Pusher, pushing.context.database, pushing.context.settings.push, spares_loopback=True)
    sent = at_once(*[lambda: another().deliver()] * 3)
    assert (sum(sent), len(pushing.service.heard)) == (60, 60)


def test_a_lease_that_was_lost_is_sent_again(pushing: PushShop) -> None:
    user, _ = pushing.reader()
    pushing.tell(user)
    with pushing.context.database.transaction() as session:
        assert len(take_up(session, 10)) == 1
    assert pushing.pusher.deliver() == 0
    pushing.make_due()
    assert pushing.pusher.deliver() == 1


def test_keys_that_are_no_point_cost_one_push_and_not_the_others(pushing: PushShop) -> None:
    (user, _), (broken, _) = pushing.reader(), pushing.reader()
    pushing.sql(
        "UPDATE push_subscriptions SET p256dh = :no WHERE user_id = :id", no="BA" + 85 * "A", id=broken
    )
    pushing.tell(broken, user)
    with capture_logs() as logs:
        assert pushing.pusher.deliver() == 1
    assert "push_not_written" in {line["event"] for line in logs}


def test_an_address_that_leads_into_the_shops_own_network_is_never_asked(pushing: PushShop) -> None:
    assert pushing.context.settings.push is not None
    strict = Pusher(pushing.context.database, pushing.context.settings.push, spares_loopback=False)
    user, _ = pushing.reader()
    pushing.tell(user)
    assert strict.deliver() == 0
    assert [one.error for one in pushing.messages()] == ["its address is not one of a push service"]
    assert pushing.service.asked == []


def test_followers_are_told_in_the_statement_that_mails_them_and_after_all_others(pushing: PushShop) -> None:
    user, browser = pushing.reader()
    sale = pushing.shop.scheduled_sale(opens_in_s=600)
    follow_sale(pushing.context, user, sale.id)
    assert [tell_of_openings(pushing.context) for _ in range(2)] == [1, 0]
    pushing.tell(user)
    with pushing.context.database.transaction() as session:
        assert [one.message.kind for one in take_up(session, 10)] == [MailKind.HOLD_BEGUN]
    assert pushing.pusher.deliver() == 1
    [said] = pushing.service.told(browser)
    assert (said["page"], said["title"]) == (f"/sales/{sale.id}", "Kettle")
    assert pushing.sql("SELECT count(*) FROM mails") == 0


def test_a_hold_that_no_socket_heard_of_its_end_and_a_lost_draw_are_pushed(pushing: PushShop) -> None:
    """Also where nothing is mailed; a hold's are news until it ends."""
    browsers = dict(pushing.reader() for _ in range(2))
    sale = pushing.shop.lobby(1, order="draw")
    sale.line_up(browsers)
    for status in (SaleStatus.OPEN, SaleStatus.ENDED):
        sale.move(status)
        sale.drain()
    pushing.sql("UPDATE verdict_notices SET due_at = now()")
    assert tell_due(pushing.context) == 0
    assert pushing.pusher.deliver() == 3
    [order] = sale.orders()
    winner, [loser] = browsers.pop(order.user_id), browsers.values()
    pages = [(said["tag"].partition(".")[0], said["page"]) for said in pushing.service.told(winner)]
    assert sorted(pages) == [("hold_begun", f"/sales/{sale.id}"), ("hold_ends", f"/sales/{sale.id}")]
    [lost] = pushing.service.told(loser)
    assert lost["body"] == "The lots are drawn. See where you stand."
    lives = {int(one.headers["TTL"]) <= 600 for one in pushing.service.heard if "hold" in one.said["tag"]}
    assert lives == {True}


def test_the_sweep_rings_while_a_push_is_due(pushing: PushShop) -> None:
    user, _ = pushing.reader()
    bell = pushing.context.bell
    assert isinstance(bell, RememberingBell)
    for rings in (0, 1):
        sweep_payments(pushing.context)
        assert bell.others.count(("deliver_pushes", None)) == rings
        pushing.tell(user)


def test_without_keys_nothing_is_entered_and_keys_that_do_not_belong_together_are_refused(
    pushing: PushShop, stores: Stores
) -> None:
    with context_over(plain_settings(stores)) as mute:
        with pytest.raises(NotFound):
            subscribe(mute, pushing.shop.shopper(), nobodys_family(), pushing.service.browser())
        user, _ = pushing.reader()
        with mute.database.transaction() as session:
            assert tell_by_push(session, MailKind.HOLD_BEGUN, [Notice(user, uuid4(), "Kettle", "/")]) == 0
    mixed = replace(push_settings(), public_key=push_settings().public_key)
    with pytest.raises(ConfigurationError), context_over(replace(plain_settings(stores), push=mixed)):
        pass
