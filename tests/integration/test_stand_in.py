"""Workers whose broker was killed do what is due by themselves: payments, refunds, mails, tasks."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from deploy.embedded import EmbeddedRedis
from models.enums import MailKind, TaskState
from models.tables.background import BackgroundTask
from tasks.background.queue import ask_for
from tasks.payments.refunds import request_refund
from tests.support.mailing import MailShop, mail_shop_over
from tests.support.polling import eventually
from tests.support.postbox import HANG, Postbox, postbox_open
from tests.support.servers import Stores
from tests.support.workers import Worker

DEADLINE_S = 90.0


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    with postbox_open() as opened:
        yield opened
        opened.go_on.set()


@pytest.fixture
def mailing(stores: Stores, clean: None, postbox: Postbox) -> Iterator[MailShop]:  # noqa: ARG001
    with mail_shop_over(stores, postbox.settings) as made:
        yield made


@pytest.fixture
def deaf(stores: Stores, mailing: MailShop, postbox: Postbox, tmp_path: Path) -> Iterator[None]:  # noqa: ARG001
    """A payments and a background worker, whose broker is gone."""
    broker = EmbeddedRedis(tmp_path)
    broker.start()
    variables = {
        "BROKER_URL": f"redis+socket://{broker.socket_path}?virtual_host=0",
        "SMTP_URL": f"smtp://127.0.0.1:{postbox.port}",
        "MAIL_FROM": "Flash Sale <receipts@shop.example>",
    }
    with ExitStack() as ending:
        ending.callback(broker.stop)
        workers = [Worker(stores, queue=queue, variables=variables) for queue in ("payments", "background")]
        for worker in workers:
            ending.callback(worker.end)
        eventually(lambda: all(worker.is_ready for worker in workers), DEADLINE_S)
        broker.kill()
        yield


@pytest.mark.usefixtures("deaf")
def test_without_a_broker_payments_refunds_and_background_work_go_on_past_a_mail_server_that_hangs(
    mailing: MailShop, postbox: Postbox
) -> None:
    till = mailing.till
    postbox.senders.append(HANG)
    _, [refunded] = mailing.held()
    till.begin(refunded)
    assert postbox.hanging.acquire(timeout=DEADLINE_S)  # with its receipt, since it was paid
    _, [order] = mailing.held()
    till.begin(order)
    request_refund(till.context, refunded.id, by=None)
    asked = ask_for(till.context, "audit", sale_id=order.sale_id)

    def state_of_task() -> str:
        with till.context.database.transaction() as session:
            return session.get_one(BackgroundTask, asked.id).state

    eventually(lambda: till.order(order)["status"] == "paid", DEADLINE_S)
    eventually(lambda: till.order(refunded)["status"] == "refunded", DEADLINE_S)
    eventually(lambda: state_of_task() == TaskState.SUCCESS, DEADLINE_S)
    assert not postbox.letters
    postbox.go_on.set()
    eventually(lambda: any(mail.error for mail in mailing.mails()), DEADLINE_S)
    mailing.make_due()
    eventually(mailing.are_mailed, DEADLINE_S, told=mailing.statuses)
    assert {mail.kind for mail in mailing.mails()} >= {MailKind.RECEIPT, MailKind.REFUND}
