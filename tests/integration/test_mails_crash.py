"""Workers that send mails and are killed at a step, or are many: real processes with a real broker."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.support.mailing import MailShop
from tests.support.polling import eventually
from tests.support.postbox import Postbox
from tests.support.servers import Stores
from tests.support.workers import Worker

PAID = 12


@contextmanager
def working(stores: Stores, postbox: Postbox, count: int = 1, failpoint: str = "") -> Iterator[list[Worker]]:
    """Payments workers, whose processes have mail configured."""
    mail = {
        "SMTP_URL": f"smtp://127.0.0.1:{postbox.port}",
        "MAIL_FROM": "Flash Sale <receipts@shop.example>",
    }
    with ExitStack() as ending:
        workers = []
        for _ in range(count):
            workers.append(Worker(stores, queue="payments", failpoint=failpoint, variables=mail))
            ending.callback(workers[-1].end)
        yield workers


@pytest.mark.parametrize(("failpoint", "before"), [("mail_taken_up:1:kill", 0), ("mail_sent:1:kill", 1)])
def test_a_worker_that_is_killed_while_it_sends_loses_no_mail(
    stores: Stores, mailing: MailShop, postbox: Postbox, failpoint: str, before: int
) -> None:
    [order] = mailing.paid()
    with working(stores, postbox, failpoint=failpoint) as [doomed]:
        eventually(doomed.was_killed, told=lambda: doomed.text)
    assert (len(postbox.letters), mailing.statuses()) == (before, ["pending"])
    mailing.make_due()
    with working(stores, postbox):
        eventually(mailing.are_mailed)
    assert len(set(postbox.raw)) == 1  # the same letter to the byte, however often it was sent
    assert [letter["Message-ID"] for letter in postbox.letters] == [f"<receipt.{order.id}@shop.example>"] * (
        before + 1
    )


def test_many_workers_send_each_mail_once(stores: Stores, mailing: MailShop, postbox: Postbox) -> None:
    with working(stores, postbox, 3) as workers:
        eventually(lambda: all(worker.is_ready for worker in workers))
        mailing.paid(PAID)
        eventually(mailing.are_mailed, told=mailing.statuses)
    names = Counter(letter["Message-ID"] for letter in postbox.letters)
    assert set(names.values()) == {1}
    assert sum(name.startswith("<receipt.") for name in names) == PAID


def test_a_worker_that_is_killed_while_it_tells_the_absent_forgets_nobody_and_tells_nobody_twice(
    stores: Stores, mailing: MailShop, postbox: Postbox
) -> None:
    _, orders = mailing.held(PAID)
    mailing.make_notices_due()
    with working(stores, postbox, failpoint="absent_told:1:kill") as [doomed]:
        eventually(doomed.was_killed, told=lambda: doomed.text)
    assert mailing.mails() == []
    mailing.make_notices_due()
    with working(stores, postbox, 2):
        eventually(lambda: len(mailing.mails()) == 2 * PAID, told=mailing.statuses)
        eventually(mailing.are_mailed, told=mailing.statuses)
    begun = Counter(
        one["Message-ID"] for one in postbox.letters if one["Message-ID"].startswith("<hold_begun")
    )
    assert begun == {f"<hold_begun.{order.id}@shop.example>": 1 for order in orders}
