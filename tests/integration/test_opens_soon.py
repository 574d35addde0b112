"""Who follows a sale is told before it opens: each once, in slices, whatever becomes of the sale."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from models.enums import MailKind, SaleStatus
from models.errors import SaleOver
from tasks.mail.outbox import take_up
from tasks.notices import opens_soon
from tasks.notices.follows import follow_sale, unfollow_sale
from tasks.notices.opens_soon import tell_of_openings
from tests.support.mailing import MailShop, mail_shop_over
from tests.support.servers import Stores
from tests.support.shop import SaleUnderTest
from tests.support.threads import at_once

SOON_S = 600  # within the quarter of an hour before an opening


def followed(mailing: MailShop, followers: int = 1, **more: object) -> tuple[SaleUnderTest, list[UUID]]:
    """Schedule a sale that opens soon, and have so many follow it."""
    sale = mailing.shop.scheduled_sale(**{"opens_in_s": SOON_S} | more)  # type: ignore[arg-type]
    users = mailing.shop.shoppers(followers)
    for user in users:
        follow_sale(mailing.till.context, user, sale.id)
    return sale, users


def tell(mailing: MailShop) -> int:
    return tell_of_openings(mailing.till.context)


def told(mailing: MailShop) -> list[UUID | None]:
    return [mail.user_id for mail in mailing.mails()]


def later(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def test_followers_are_told_once_what_opens_and_when(mailing: MailShop) -> None:
    sale, [user] = followed(mailing)
    mailing.shop.scheduled_sale(opens_in_s=SOON_S)  # which nobody follows
    mailing.shop.shopper()  # who follows nothing
    assert [tell(mailing) for _ in range(2)] == [1, 0]
    mail = mailing.mail()
    assert (mail.kind, mail.user_id, mail.status) == (MailKind.OPENS_SOON, user, "pending")
    assert mail.contents["item"] == "Kettle"
    assert mail.contents["sale"] == str(sale.id)
    assert datetime.fromisoformat(mail.contents["opens_at"]) - sale.row().opens_at < timedelta(seconds=1)


def test_nobody_is_told_long_before_and_the_lobby_counts_as_the_beginning(mailing: MailShop) -> None:
    followed(mailing, opens_in_s=3600)
    assert tell(mailing) == 0
    followed(mailing, opens_in_s=3600, lobby_opens_at=later(SOON_S))
    assert tell(mailing) == 1


def test_a_sale_that_was_moved_is_told_again_and_moved_once_more_it_is_not(mailing: MailShop) -> None:
    sale, _ = followed(mailing)
    assert tell(mailing) == 1
    sale.change(opens_at=later(7200), closes_at=later(9000))
    assert tell(mailing) == 0
    for moved_to in (SOON_S - 60, SOON_S - 120):
        sale.change(opens_at=later(moved_to))
        tell(mailing)
    assert len(mailing.mails()) == 2


@pytest.mark.parametrize("status", [SaleStatus.CANCELLED, SaleStatus.OPEN])
def test_of_a_sale_that_was_cancelled_or_has_opened_nobody_is_told(
    mailing: MailShop, status: SaleStatus
) -> None:
    sale, _ = followed(mailing)
    sale.move(status)
    assert tell(mailing) == 0
    sale.sql("UPDATE sales SET status = 'scheduled', opens_at = now() - interval '1 s' WHERE id = :sale_id")
    assert tell(mailing) == 0


def test_who_follows_no_longer_is_banned_or_wants_no_such_mail_is_not_told(mailing: MailShop) -> None:
    sale, [gone, banned, silent, told_one] = followed(mailing, 4)
    unfollow_sale(mailing.till.context, gone, sale.id)
    sale.sql("UPDATE users SET banned_at = now() WHERE id = :id", id=banned)
    sale.sql("""UPDATE users SET mail_choices = '{"opens_soon": false}' WHERE id = :id""", id=silent)
    tell(mailing)
    assert told(mailing) == [told_one]
    follow_sale(mailing.till.context, told_one, sale.id)
    unfollow_sale(mailing.till.context, told_one, sale.id)
    follow_sale(mailing.till.context, told_one, sale.id)
    tell(mailing)
    assert told(mailing) == [told_one]


def test_many_processes_tell_each_follower_once(mailing: MailShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opens_soon, "AT_ONCE", 7)
    _, users = followed(mailing, 60)
    assert sum(at_once(*[lambda: tell(mailing)] * 4)) == 60
    assert Counter(told(mailing)) == Counter(users)


def test_what_the_slice_left_is_told_by_the_next_watch(
    mailing: MailShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opens_soon, "AT_ONCE", 2)
    _, users = followed(mailing, 5)
    context = mailing.till.context
    opening, *_ = opens_soon.openings_to_tell_of(context)
    assert opens_soon.tell_slice(context, opening, UUID(int=0))[0] == 2
    assert tell(mailing) == 3
    assert Counter(told(mailing)) == Counter(users)


def test_a_mail_that_somebody_waits_for_goes_before_those_to_followers(mailing: MailShop) -> None:
    followed(mailing, 3)
    tell(mailing)
    mailing.paid()
    with mailing.till.context.database.transaction() as session:
        assert [mail.kind for mail in take_up(session, 2)] == [MailKind.RECEIPT]
        assert [mail.kind for mail in take_up(session, 2)] == [MailKind.OPENS_SOON] * 2


def test_a_sale_that_is_over_cannot_be_followed(mailing: MailShop) -> None:
    sale = mailing.shop.open_sale()
    sale.move(SaleStatus.ENDED)
    with pytest.raises(SaleOver):
        follow_sale(mailing.till.context, mailing.shop.shopper(), sale.id)


def test_without_mail_nobody_is_noted_as_told(stores: Stores, clean: None) -> None:  # noqa: ARG001
    with mail_shop_over(stores, None) as mute:
        followed(mute)
        assert tell(mute) == 0
        with mute.till.context.database.connection() as connection:
            assert connection.scalar(text("SELECT tellings FROM sale_follows")) == 0
