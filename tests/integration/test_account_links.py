"""Links in mails: how the id in a mail's contents becomes an address, and that each link is good once."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, update
from sqlalchemy import func as sql

from models.enums import LinkKind, MailKind, MailStatus
from models.errors import LinkSpent
from models.queries.accounts import find_shopper
from models.tables.accounts import AccountLink
from tasks.accounts.links import drop_links, make_link, use_link
from tasks.mail.links import Links
from tasks.mail.messages import read_contents
from tasks.mail.outbox import Reader, enter_letter
from tests.support.contexts import SECRET_KEY
from tests.support.mailing import MailShop
from tests.support.postbox import postbox_open
from tests.support.threads import at_once

URL = "https://shop.example"
NEW_KEY = "another key of these tests, as long as it must be"
AT_ONCE = 100


def entered(mailing: MailShop, kind: LinkKind = LinkKind.RESET_PASSWORD) -> UUID:
    """Enter a mail that carries a link, and return the link's id."""
    user_id = mailing.shop.shopper()
    with mailing.shop.context.database.transaction() as session:
        user = find_shopper(session, user_id)
        link_id = make_link(session, SECRET_KEY, user_id, kind, lives=timedelta(hours=1))
        reader = Reader(user.id, user.name, user.email)
        enter_letter(session, MailKind(kind), reader, link_id, contents={"link": str(link_id)})
    return link_id


def written(mailing: MailShop, *keys: str) -> str:
    """The address that the only mail's letter is given."""
    mail = mailing.mail()
    with mailing.shop.context.database.transaction() as session:
        return str(read_contents(session, [mail], Links(URL, keys or (SECRET_KEY,)))[mail.id]["link"])


def use(mailing: MailShop, token: str, *kinds: LinkKind) -> UUID:
    with mailing.shop.context.database.transaction() as session:
        return use_link(session, token, *kinds or (LinkKind.RESET_PASSWORD,)).user_id


def test_a_letter_is_given_the_address_and_the_outbox_holds_no_token(mailing: MailShop) -> None:
    link_id = entered(mailing)
    page, _, token = written(mailing).partition("#")
    assert page == f"{URL}/reset"
    assert mailing.mail().contents == {"link": str(link_id)}
    assert use(mailing, token) == mailing.mail().user_id


def test_of_a_hundred_uses_of_one_link_one_works(mailing: MailShop) -> None:
    entered(mailing)
    token = written(mailing).partition("#")[2]
    outcomes = at_once(*[lambda: use(mailing, token)] * AT_ONCE)
    assert outcomes.count(LinkSpent) == AT_ONCE - 1


def test_a_link_is_good_for_its_kind_and_its_time_and_until_it_is_dropped(mailing: MailShop) -> None:
    link_id = entered(mailing)
    token = written(mailing).partition("#")[2]
    database = mailing.shop.context.database
    with pytest.raises(LinkSpent):
        use(mailing, token, LinkKind.VERIFY_EMAIL)
    with database.transaction() as session:
        session.execute(update(AccountLink).values(expires_at=sql.now()))
    with pytest.raises(LinkSpent):
        use(mailing, token)
    with database.transaction() as session:
        session.execute(update(AccountLink).values(expires_at=sql.now() + timedelta(hours=1)))
        link = session.get_one(AccountLink, link_id)
        drop_links(session, link.user_id, LinkKind.RESET_PASSWORD)
    with pytest.raises(LinkSpent):
        use(mailing, token)


def test_links_of_an_old_key_go_on_while_it_is_changed(mailing: MailShop) -> None:
    entered(mailing)
    before = written(mailing)
    assert written(mailing, NEW_KEY, SECRET_KEY) == before
    assert use(mailing, before.partition("#")[2])


def test_a_mail_whose_link_is_gone_is_given_up_at_once(mailing: MailShop) -> None:
    entered(mailing)
    with mailing.shop.context.database.transaction() as session:
        session.execute(delete(AccountLink))
    with postbox_open() as postbox:
        assert mailing.mailer(postbox.settings).deliver() == 0
    assert mailing.statuses() == [MailStatus.GIVEN_UP]
