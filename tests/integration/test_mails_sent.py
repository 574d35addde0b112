"""Mails on their way: to servers that refuse, hang and break off, until they are taken or given up."""

import ssl
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiosmtpd
import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword, Session
from sqlalchemy import text
from structlog.testing import capture_logs

from models.database import Database
from tasks.mail import delivery
from tasks.mail.delivery import MOST_SENDERS
from tasks.mail.outbox import take_up
from tasks.payments.refunds import request_refund
from tasks.payments.sweep import sweep_payments
from tests.support.contexts import RememberingBell
from tests.support.mailing import MailShop, in_threads
from tests.support.polling import eventually
from tests.support.postbox import HANG, TAKE_AND_BREAK_OFF, Postbox, dribbling, postbox_open

CERTIFICATES = Path(aiosmtpd.__file__).parent / "tests" / "certs"
AT_ONCE = 3  # mails of a sender
IMPATIENT = {"timeout_s": 0.2, "deadline_s": 1.0}


def test_a_receipt_is_mailed_once_with_number_amounts_and_total(mailing: MailShop, postbox: Postbox) -> None:
    sale, [order] = mailing.held()
    sale.sql("UPDATE orders SET quantity = 3, currency = 'JPY' WHERE sale_id = :sale_id")
    sale.sql("UPDATE sales SET held = 3, allocation = 3 WHERE id = :sale_id")
    mailing.rename(order.user_id, "Žofie")
    mailing.till.pay(order)
    mailer = mailing.mailer(postbox.settings)
    assert [mailer.deliver() for _ in range(3)] == [1, 0, 0]
    [letter] = postbox.letters
    number = mailing.till.order(order)["receipt_number"]
    assert letter["Subject"] == f"Receipt {number}"
    assert letter["To"] == f"Žofie <{order.user_id.hex}@example.com>"
    assert letter["Message-ID"] == f"<receipt.{order.id}@shop.example>"
    for form in ("plain", "html"):
        body = letter.get_body((form,))
        assert body is not None
        words = body.get_content()
        assert not [
            said for said in (number, "¥1,999", "¥5,997", "Kettle", str(order.id)) if said not in words
        ]
    mail = mailing.mail()
    assert (mail.status, mail.attempts, mail.due_at, mail.error) == ("mailed", 1, None, None)
    assert mail.mailed_at is not None


def test_a_refund_is_mailed_with_its_reason(mailing: MailShop, postbox: Postbox) -> None:
    [order] = mailing.paid()
    request_refund(mailing.till.context, order.id, by=None, reason="broken\r\nBcc: x@example.com")
    mailing.till.drive_refunds()
    assert mailing.mailer(postbox.settings).deliver() == 2
    [letter] = [one for one in postbox.letters if one["Subject"] == "Refund of $19.99"]
    body = letter.get_body(("plain",))
    assert body is not None
    assert "Reason: broken Bcc: x@example.com" in body.get_content()
    assert letter["Bcc"] is None


def test_one_connection_carries_many(mailing: MailShop, postbox: Postbox) -> None:
    mailing.paid(3)
    assert mailing.mailer(postbox.settings).deliver() == 3
    assert len({letter["To"] for letter in postbox.letters}) == 3
    assert mailing.are_mailed()


@pytest.mark.parametrize("stage", ["senders", "recipients", "data"])
def test_who_is_refused_for_now_is_tried_again(mailing: MailShop, postbox: Postbox, stage: str) -> None:
    mailing.paid()
    getattr(postbox, stage).append("451 come again")
    mailer = mailing.mailer(postbox.settings)
    assert mailer.deliver() == 0
    mail = mailing.mail()
    assert (mail.status, mail.attempts, mail.error) == ("pending", 1, "451 come again")
    assert not mailer.has_due()
    mailing.make_due()
    assert mailer.deliver() == 1
    assert len(postbox.letters) == 1
    assert mailing.are_mailed()


@pytest.mark.parametrize("stage", ["recipients", "data"])
def test_who_is_refused_for_good_is_given_up_aloud(mailing: MailShop, postbox: Postbox, stage: str) -> None:
    mailing.paid()
    getattr(postbox, stage).append("550 no such mailbox")
    with capture_logs() as logs:
        assert mailing.mailer(postbox.settings).deliver() == 0
    mail = mailing.mail()
    assert (mail.status, mail.due_at, mail.error) == ("given_up", None, "550 no such mailbox")
    assert mail.given_up_at is not None
    [line] = [line for line in logs if line["log_level"] == "error"]
    assert (line["event"], line["order_id"]) == ("mail_given_up", str(mail.order_id))


def test_a_sender_who_is_refused_is_ours_to_mend_and_costs_no_mail(
    mailing: MailShop, postbox: Postbox
) -> None:
    mailing.paid()
    postbox.senders.append("550 not you")
    mailing.mailer(postbox.settings).deliver()
    assert (mailing.mail().status, mailing.mail().error) == ("pending", "550 not you")


def test_one_who_is_refused_holds_up_no_other(mailing: MailShop, postbox: Postbox) -> None:
    mailing.paid(3)
    postbox.recipients.extend(["550 no such mailbox", "450 later"])
    assert mailing.mailer(postbox.settings).deliver() == 1
    assert Counter(mailing.statuses()) == {"given_up": 1, "pending": 1, "mailed": 1}


def test_a_letter_that_cannot_be_written_holds_up_no_other(mailing: MailShop, postbox: Postbox) -> None:
    sale, orders = mailing.held(2)
    sale.sql(
        "UPDATE users SET email = :email WHERE id = :id",
        email="a@example.com\r\nBcc: b@example.com",
        id=orders[0].user_id,
    )
    for order in orders:
        mailing.till.pay(order)
    with capture_logs() as logs:
        assert mailing.mailer(postbox.settings).deliver() == 1
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["mail_not_written"]
    assert Counter(mailing.statuses()) == {"pending": 1, "mailed": 1}


def test_what_a_server_says_is_kept_in_printable_characters(mailing: MailShop, postbox: Postbox) -> None:
    mailing.paid()
    postbox.data.append("451 \x00\x1b[31m" + "x" * 400)
    mailing.mailer(postbox.settings).deliver()
    error = mailing.mail().error
    assert error is not None
    assert error.isprintable()
    assert error.startswith("451 [31mx")


def test_a_server_that_took_the_letter_and_said_nothing_gets_the_same_letter_again(
    mailing: MailShop, postbox: Postbox
) -> None:
    mailing.paid()
    postbox.data.append(TAKE_AND_BREAK_OFF)
    mailer = mailing.mailer(postbox.settings)
    assert mailer.deliver() == 0
    assert mailing.statuses() == ["pending"]
    mailing.make_due()
    assert mailer.deliver() == 1
    first, second = postbox.raw
    assert first == second
    assert mailing.are_mailed()


def test_a_connection_that_is_lost_costs_the_others_no_try(mailing: MailShop, postbox: Postbox) -> None:
    mailing.paid(3)
    postbox.data.append(TAKE_AND_BREAK_OFF)
    mailer = mailing.mailer(postbox.settings)
    assert mailer.deliver() == 0
    assert sorted(mail.attempts for mail in mailing.mails()) == [0, 0, 1]
    assert [mail.started_at is None for mail in mailing.mails()].count(True) == 2
    assert mailer.deliver() == 2
    assert Counter(mailing.statuses()) == {"pending": 1, "mailed": 2}


def test_a_server_that_hangs_is_hung_up_on(mailing: MailShop, postbox: Postbox) -> None:
    mailing.paid()
    postbox.data.append(HANG)
    assert mailing.mailer(postbox.settings, **IMPATIENT).deliver() == 0
    mail = mailing.mail()
    assert (mail.status, mail.attempts) == ("pending", 1)
    assert "timed out" in str(mail.error)


def test_a_server_that_dribbles_is_cut_off_at_the_deadline(mailing: MailShop) -> None:
    mailing.paid()
    with dribbling() as settings:
        assert mailing.mailer(settings, timeout_s=30.0, deadline_s=0.3).deliver() == 0
    assert (mailing.mail().status, mailing.mail().attempts) == ("pending", 1)


def test_nobody_at_the_other_end_is_a_failure_like_others(mailing: MailShop) -> None:
    mailing.paid(2)
    with capture_logs() as logs:
        assert mailing.mailer(Postbox(port=9).settings).deliver() == 0
    assert [line["event"] for line in logs] == ["mail_server_away"]
    assert [(mail.status, mail.attempts) for mail in mailing.mails()] == [("pending", 1)] * 2
    assert "refused" in str(mailing.mails()[0].error)


def test_pauses_double_up_to_an_hour(mailing: MailShop) -> None:
    mailing.paid()
    mailer = mailing.mailer(Postbox(port=9).settings)
    for pause in (10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600):
        mailing.make_due()
        mailer.deliver()
        assert pause - 5 < mailing.pause_s() <= pause


def test_after_three_days_a_mail_is_given_up_aloud(mailing: MailShop) -> None:
    mailing.paid()
    mailer = mailing.mailer(Postbox(port=9).settings)
    mailing.age(2)
    mailing.make_due()
    mailer.deliver()
    assert mailing.statuses() == ["pending"]
    mailing.age(2)
    mailing.make_due()
    with capture_logs() as logs:
        mailer.deliver()
    assert mailing.statuses() == ["given_up"]
    assert [line["event"] for line in logs] == ["mail_server_away", "mail_given_up"]
    mailing.make_due()
    assert not mailer.has_due()


@pytest.fixture
def _few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a sender take up few mails, so that few are more than it takes."""
    monkeypatch.setattr(delivery, "AT_ONCE", AT_ONCE)


@pytest.mark.usefixtures("_few_at_once")
def test_many_senders_share_the_mails_without_doubling_one(mailing: MailShop, postbox: Postbox) -> None:
    mailing.paid(AT_ONCE + 10)
    mailers = [mailing.mailer(postbox.settings) for _ in range(4)]
    taken: list[int] = []
    threads = [thread for mailer in mailers for thread in in_threads(2, mailer, taken)]
    for thread in threads:
        thread.join()
    assert sum(taken) == AT_ONCE + 10
    assert set(Counter(letter["Message-ID"] for letter in postbox.letters).values()) == {1}
    assert len(postbox.letters) == AT_ONCE + 10
    assert mailing.are_mailed()


@pytest.mark.usefixtures("_few_at_once")
def test_a_server_that_hangs_holds_few_threads_and_payments_go_on(
    mailing: MailShop, postbox: Postbox
) -> None:
    mailing.paid(MOST_SENDERS * AT_ONCE + 2)  # more than those who hang have taken up
    postbox.data.extend([HANG] * MOST_SENDERS)
    mailer = mailing.mailer(postbox.settings, timeout_s=60.0, deadline_s=60.0)
    taken: list[int] = []
    hung = in_threads(MOST_SENDERS, mailer, taken)
    for _ in range(MOST_SENDERS):
        assert postbox.hanging.acquire(timeout=30)
    assert [mailer.deliver() for _ in range(20)] == [0] * 20  # as threads that are rung for meanwhile
    assert taken == []
    [order] = mailing.paid()
    assert mailing.till.order(order)["status"] == "paid"
    assert sweep_payments(mailing.till.context) > 0
    postbox.go_on.set()
    for thread in hung:
        thread.join()
    assert len(taken) == MOST_SENDERS


def test_a_mail_whose_sender_died_comes_again_after_its_lease(mailing: MailShop, postbox: Postbox) -> None:
    mailing.paid()
    with mailing.shop.context.database.transaction() as session:
        assert len(take_up(session, AT_ONCE)) == 1
    mailer = mailing.mailer(postbox.settings)
    assert mailer.deliver() == 0
    mailing.make_due()
    assert mailer.deliver() == 1
    assert mailing.mail().attempts == 2


def test_a_sender_who_lost_the_lease_puts_nothing_off(mailing: MailShop, postbox: Postbox) -> None:
    mailing.paid()
    postbox.data.append(HANG)
    slow = mailing.mailer(postbox.settings, timeout_s=60.0, deadline_s=60.0)
    taken: list[int] = []
    [thread] = in_threads(1, slow, taken)
    assert postbox.hanging.acquire(timeout=30)
    mailing.make_due()
    with mailing.shop.context.database.transaction() as session:
        assert len(take_up(session, AT_ONCE)) == 1  # another has it now
    postbox.go_on.set()
    thread.join()
    assert taken == [0]
    assert (mailing.mail().attempts, mailing.mail().error) == (2, None)
    assert mailing.pause_s() > 60  # as long as the other's lease


def test_no_transaction_is_open_while_the_server_is_talked_to(
    mailing: MailShop, postbox: Postbox, database_url: str
) -> None:
    mailing.paid()
    postbox.data.append(HANG)
    [thread] = in_threads(1, mailing.mailer(postbox.settings, timeout_s=60.0, deadline_s=60.0), [])
    assert postbox.hanging.acquire(timeout=30)
    looking = Database(database_url)
    with looking.connection() as connection:
        busy = connection.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND state <> 'idle'"
            )
        )
    looking.dispose()
    assert busy == 0
    postbox.go_on.set()
    thread.join()


def test_the_sweep_rings_for_mails_as_long_as_some_are_due(mailing: MailShop, postbox: Postbox) -> None:
    def rings() -> int:
        assert isinstance(bell, RememberingBell)
        bell.others.clear()
        sweep_payments(mailing.till.context)
        return bell.others.count(("deliver_mails", None))

    bell = mailing.till.context.bell
    mailing.paid()
    assert rings() == 1
    mailing.mailer(postbox.settings).deliver()
    assert rings() == 0


def test_a_password_is_told_after_the_line_was_encrypted(mailing: MailShop) -> None:
    heard: list[object] = []

    def check(
        _server: object, session: Session, _envelope: object, _mechanism: str, data: object
    ) -> AuthResult:
        heard.append((session.ssl is not None, data))
        return AuthResult(success=True)

    with postbox_open(tls_context=server_side(), authenticator=check, auth_required=True) as postbox:
        settings = replace(postbox.settings, security="starttls", user="me", password="p@ss w0rd")
        mailing.paid()
        assert mailing.mailer(settings, tls=trusting()).deliver() == 1
    assert heard == [(True, LoginPassword(b"me", b"p@ss w0rd"))]


def test_a_wrong_password_costs_no_mail(mailing: MailShop) -> None:
    def refuse(*_args: object) -> AuthResult:
        return AuthResult(success=False, handled=False)

    with postbox_open(tls_context=server_side(), authenticator=refuse, auth_required=True) as postbox:
        mailing.paid()
        settings = replace(postbox.settings, security="starttls", user="me", password="wr0ng")
        assert mailing.mailer(settings, tls=trusting()).deliver() == 0
    assert mailing.mail().status == "pending"
    assert str(mailing.mail().error).startswith("535")
    assert "wr0ng" not in str(mailing.mail().error)


def test_a_line_may_be_encrypted_from_the_first_byte(mailing: MailShop) -> None:
    with postbox_open(ssl_context=server_side()) as postbox:
        mailing.paid()
        assert mailing.mailer(replace(postbox.settings, security="tls"), tls=trusting()).deliver() == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("flaw", ["nobody vouches for it", "it is another's"])
def test_a_server_with_a_bad_certificate_gets_no_letter(mailing: MailShop, security: str, flaw: str) -> None:
    served: dict[str, Any] = {"tls_context" if security == "starttls" else "ssl_context": server_side()}
    with postbox_open(**served) as postbox:
        mailing.paid()
        tls = None if flaw == "nobody vouches for it" else trusting(anybody=False)
        assert mailing.mailer(replace(postbox.settings, security=security), tls=tls).deliver() == 0
    assert postbox.letters == []
    assert "certificate verify failed" in str(mailing.mail().error)


def test_without_the_encryption_that_was_asked_for_nothing_is_sent(
    mailing: MailShop, postbox: Postbox
) -> None:
    mailing.paid()
    settings = replace(postbox.settings, security="starttls", user="me", password="secret")
    assert mailing.mailer(settings).deliver() == 0
    assert (postbox.connections, postbox.letters) == (0, [])
    assert "STARTTLS" in str(mailing.mail().error)


def test_threads_that_have_sent_make_room_for_others(mailing: MailShop, postbox: Postbox) -> None:
    mailer = mailing.mailer(postbox.settings)
    for _ in range(MOST_SENDERS + 1):
        mailing.paid()
        assert mailer.deliver() == 1
    eventually(mailing.are_mailed)


def server_side() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATES / "server.crt", CERTIFICATES / "server.key")
    return context


def trusting(*, anybody: bool = True) -> ssl.SSLContext:
    """Trust this certificate, which names no host of ours: from any host, or as it should be."""
    context = ssl.create_default_context(cafile=str(CERTIFICATES / "server.crt"))
    context.check_hostname = not anybody
    return context
