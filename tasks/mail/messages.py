"""Writes the letters of mails, from the rows and contents that they describe.

A link's token is written into the letter alone.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC
from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy.orm import Session

from config import MailSettings
from models.enums import CHOSEN_MAILS, MailKind
from models.messages import money, rfc3339
from models.queries.payments import receipts_of_orders, refunds_to_tell
from models.tables.mails import Mail
from models.tables.payments import Receipt, Refund
from tasks.mail.choices import PAGE, write_word
from tasks.mail.links import Links
from tasks.mail.words import Written, write
from tasks.mail.writing import one_line

LANGUAGE: Final = "en"
TIME_ZONE: Final = "UTC"
_OF_MONEY: Final = (MailKind.RECEIPT, MailKind.REFUND)

Contents = Mapping[str, Any]


class _Whole(UnstructuredHeader):
    """A header on one line: a long address would be folded into encoded words, which nobody reads."""

    def fold(self: Any, *, policy: EmailPolicy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS: Final = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", cast(Any, _Whole))
_POLICY: Final = SMTP.clone(header_factory=_HEADERS)


def read_contents(session: Session, mails: Sequence[Mail], links: Links) -> dict[UUID, Contents]:
    """Read the contents of mails, by the mails' ids; none for a mail whose link is gone."""
    receipts = [mail.order_id for mail in mails if mail.kind == MailKind.RECEIPT and mail.order_id]
    refunds = [mail.refund_id for mail in mails if mail.kind == MailKind.REFUND]
    by_subject: dict[UUID | None, Contents] = {}
    if receipts:
        by_subject |= {row.order_id: _of_receipt(row) for row in receipts_of_orders(session, receipts)}
    if refunds:
        by_subject |= {row[0].id: _of_refund(*row) for row in refunds_to_tell(session, refunds)}
    of_money = {mail.id: mail.refund_id or mail.order_id for mail in mails if mail.kind in _OF_MONEY}
    read = {mail.id: _linked(session, mail, links) for mail in mails if mail.id not in of_money}
    others = {mail_id: contents for mail_id, contents in read.items() if contents is not None}
    return others | {one: by_subject[subject] for one, subject in of_money.items() if subject in by_subject}


def write_letter(mail: Mail, contents: Contents, sender: MailSettings) -> EmailMessage:
    """Write a mail: the same bytes whenever it is written, so that copies are recognised."""
    written, name = words_of(mail, contents), one_line(mail.to_name)
    letter = EmailMessage(policy=_POLICY)
    letter["From"] = Address(sender.sender_name, addr_spec=sender.sender_address)
    letter["To"] = Address(name, addr_spec=mail.to_email)
    letter["Subject"] = written.subject
    letter["Date"] = format_datetime(mail.created_at.astimezone(UTC))
    letter["Message-ID"] = mail.message_id
    letter["Auto-Submitted"] = "auto-generated"
    if "unsubscribe" in contents:
        letter["List-Unsubscribe"] = f"<{contents['unsubscribe']}>"
        letter["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    letter.set_content(written.text, cte="quoted-printable")
    letter.add_alternative(written.page, subtype="html", cte="quoted-printable")
    letter.set_boundary(f"=_{mail.id.hex}")
    return letter


def words_of(mail: Mail, contents: Contents) -> Written:
    """Write what a mail says, in its reader's language."""
    said = {**contents, "name": mail.to_name}
    return write(mail.kind, said, mail.language or LANGUAGE, mail.time_zone or TIME_ZONE)


def _linked(session: Session, mail: Mail, links: Links) -> Contents | None:
    """A mail's contents with the shop's address, and that of its link in the place of the link's id."""
    contents = {**mail.contents, "shop": links.shop_url}
    if mail.kind in CHOSEN_MAILS and mail.user_id:
        word = write_word(links.secret_keys[0], mail.user_id, MailKind(mail.kind))
        contents["unsubscribe"] = f"{links.shop_url}{PAGE}/{word}"
    link_id = mail.contents.get("link")
    if link_id is None:
        return contents
    url = links.url_of(session, UUID(link_id))
    return contents | {"link": url} if url else None


def _of_receipt(row: Receipt) -> Contents:
    return {
        "number": row.written_number,
        "issued": rfc3339(row.issued_at),
        "item": row.item,
        "quantity": row.quantity,
        "unit_price": money(row.unit_price_minor, row.currency),
        "total": money(row.total_minor, row.currency),
        "order": str(row.order_id),
    }


def _of_refund(refund: Refund, quantity: int, receipt_number: str | None, item: str) -> Contents:
    return {
        "amount": money(refund.amount_minor, refund.currency),
        "refunded": rfc3339(refund.finished_at or refund.created_at),
        "cause": refund.cause,
        "reason": refund.reason or "",
        "item": item,
        "quantity": quantity,
        "receipt": receipt_number or "",
        "order": str(refund.order_id),
    }
