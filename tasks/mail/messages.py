"""Writes the text and HTML of a mail about money, from the rows that it describes.

Whatever shoppers and admins may have written is put on one line first and escaped where needed, so that no
name can become a header, a line or an element of its own. A link's token is written into the letter alone.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from babel.dates import format_datetime as write_datetime
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from sqlalchemy.orm import Session

from config import MailSettings
from models.enums import MailKind, RefundCause
from models.money import write_amount
from models.queries.payments import receipts_of_orders, refunds_to_tell
from models.tables.mails import Mail
from models.tables.payments import Receipt, Refund
from tasks.mail.links import Links
from tasks.mail.writing import one_line

LANGUAGE: Final = "en"
_OF_MONEY: Final = (MailKind.RECEIPT, MailKind.REFUND)
SUBJECTS: Final = {MailKind.RECEIPT: "Receipt {number}", MailKind.REFUND: "Refund of {amount}"}
WHY: Final = {
    RefundCause.ADMIN: "The shop has given your money back.",
    RefundCause.LATE: "Your payment came after the hold had run out, and nothing was left to give for it.",
    RefundCause.DUPLICATE: "The order had been paid for by another payment.",
    RefundCause.SALE_CANCELLED: "The sale was cancelled.",
}

_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"], default=False),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

Contents = Mapping[str, str]


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
    kind = MailKind(mail.kind)
    plain = {name: one_line(value) for name, value in contents.items()} | {"name": one_line(mail.to_name)}
    letter = EmailMessage(policy=SMTP)
    letter["From"] = Address(sender.sender_name, addr_spec=sender.sender_address)
    letter["To"] = Address(plain["name"], addr_spec=mail.to_email)
    letter["Subject"] = SUBJECTS[kind].format_map(plain)
    letter["Date"] = format_datetime(mail.created_at.astimezone(UTC))
    letter["Message-ID"] = mail.message_id
    letter["Auto-Submitted"] = "auto-generated"
    text, page = (_TEMPLATES.get_template(f"{kind}.{form}").render(plain) for form in ("txt", "html"))
    letter.set_content(text, cte="quoted-printable")
    letter.add_alternative(page, subtype="html", cte="quoted-printable")
    letter.set_boundary(f"=_{mail.id.hex}")
    return letter


def _linked(session: Session, mail: Mail, links: Links) -> Contents | None:
    """A mail's contents with the address of its link in the place of the link's id, where it has one."""
    link_id = mail.contents.get("link")
    if link_id is None:
        return mail.contents
    url = links.url_of(session, UUID(link_id))
    return {**mail.contents, "link": url} if url else None


def _of_receipt(row: Receipt) -> Contents:
    return {
        "number": row.written_number,
        "issued": _moment(row.issued_at),
        "item": row.item,
        "quantity": str(row.quantity),
        "unit_price": write_amount(row.unit_price_minor, row.currency, LANGUAGE),
        "total": write_amount(row.total_minor, row.currency, LANGUAGE),
        "currency": row.currency,
        "order": str(row.order_id),
    }


def _of_refund(refund: Refund, quantity: int, receipt_number: str | None, item: str) -> Contents:
    return {
        "amount": write_amount(refund.amount_minor, refund.currency, LANGUAGE),
        "currency": refund.currency,
        "refunded": _moment(refund.finished_at or refund.created_at),
        "why": WHY[RefundCause(refund.cause)],
        "reason": refund.reason or "",
        "item": item,
        "quantity": str(quantity),
        "receipt": receipt_number or "",
        "order": str(refund.order_id),
    }


def _moment(at: datetime) -> str:
    return write_datetime(at.astimezone(UTC), "d MMM y, HH:mm", tzinfo=UTC, locale=LANGUAGE) + " UTC"
