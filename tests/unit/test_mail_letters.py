"""Letters: what they say, in both forms, and that nothing in them can be made a header or an element."""

import uuid
from datetime import UTC, datetime
from email.message import EmailMessage
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import MailSettings
from models.enums import MailKind
from models.money import write_amount
from models.tables.mails import Mail
from tasks.mail.messages import Contents, write_letter
from tasks.mail.writing import one_line

SENDER = MailSettings("h", 25, "none", "", "secret", "Flash Säle", "receipts@shop.example")
ORDER = str(uuid.UUID(int=1))
RECEIPT: Contents = {
    "number": "2026-000017",
    "issued": "2026-11-24T09:37:00.000Z",
    "item": "Kettle",
    "quantity": 2,
    "unit_price": {"amount_minor": 1_999, "currency": "USD"},
    "total": {"amount_minor": 3_998, "currency": "USD"},
    "order": ORDER,
}
REFUND: Contents = {
    "amount": {"amount_minor": 123_456, "currency": "EUR"},
    "refunded": "2026-11-24T09:37:00.000Z",
    "cause": "sale_cancelled",
    "reason": "",
    "item": "Kettle",
    "quantity": 2,
    "receipt": "",
    "order": ORDER,
}
NASTY = "Ada\r\nBcc: all@example.com\r\n\r\n<script>alert(1)</script> & \u2028co {{ 7*7 }}"
HEADERS = [*("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type")]


def mail(kind: MailKind = MailKind.RECEIPT, name: str = "Ada", **more: str) -> Mail:
    return Mail(
        id=uuid.UUID(int=7),
        kind=kind,
        order_id=uuid.UUID(int=1),
        to_name=name,
        to_email=more.get("address", "ada@example.com"),
        language=more.get("language", "en"),
        time_zone=more.get("time_zone", "UTC"),
        message_id="<receipt.1@shop.example>",
        created_at=datetime(2026, 11, 24, 9, 37, tzinfo=UTC),
    )


def both_forms(letter: EmailMessage) -> tuple[str, str]:
    text, page = letter.get_body(("plain",)), letter.get_body(("html",))
    assert text is not None
    assert page is not None
    return text.get_content(), page.get_content()


class Reader(HTMLParser):
    """Gathers the text and the elements of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text, self.elements = "", set[str]()
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.elements.add(tag)


@pytest.mark.parametrize(
    ("minor", "currency", "written"),
    [
        (1_999, "USD", "$19.99"),
        (0, "USD", "$0.00"),
        (123_456_789, "EUR", "€1,234,567.89"),
        (1_999, "JPY", "¥1,999"),
        (1_999, "KWD", "KWD\xa01.999"),
        (1_050, "RSD", "RSD\xa010.50"),  # which English usually shows without its minor unit
        (10**11, "USD", "$1,000,000,000.00"),
    ],
)
def test_an_amount_has_the_digits_of_its_currency(minor: int, currency: str, written: str) -> None:
    assert write_amount(minor, currency) == written


def test_an_amount_is_written_in_the_way_of_a_language() -> None:
    assert write_amount(123_456, "EUR", "de") == "1.234,56\xa0€"


@pytest.mark.parametrize(
    ("kind", "contents", "said"),
    [
        (
            MailKind.RECEIPT,
            RECEIPT,
            ["2026-000017", "Nov 24, 2026, 9:37\u202fAM UTC", "Kettle", "$19.99", "$39.98 (USD)"],
        ),
        (MailKind.REFUND, REFUND, ["€1,234.56 (EUR)", "The sale was cancelled.", "Kettle", ORDER]),
    ],
    ids=["receipt", "refund"],
)
def test_a_letter_says_everything_in_both_forms(kind: MailKind, contents: Contents, said: list[str]) -> None:
    letter = write_letter(mail(kind), contents, SENDER)
    for form in both_forms(letter):
        assert not [one for one in (*said, "Ada") if one not in form]
    assert list(letter) == HEADERS
    assert letter["From"] == "Flash Säle <receipts@shop.example>"
    assert letter["To"] == "Ada <ada@example.com>"
    assert letter["Message-ID"] == "<receipt.1@shop.example>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert str(letter["Date"]) == "Tue, 24 Nov 2026 09:37:00 +0000"


@pytest.mark.parametrize(
    "kind",
    ["verify_email", "known_address", "reset_password", "new_address", "credentials", "invitation"],
)
def test_a_letter_about_the_account_carries_its_link_in_both_forms(kind: str) -> None:
    contents: Contents = {"link": "https://shop.example/page#token", "hours": 1, "change": "email_changed"}
    contents = {**contents, "role": "finance", "inviter": "owner@shop.example", "days": 7}
    contents = {**contents, "email": "n…@shop.example"} if kind == "credentials" else contents
    told = contents["email"] if kind == "credentials" else contents["link"]
    for language in ("en", "de"):
        sent = mail(MailKind(kind))
        sent.language = language
        for form in both_forms(write_letter(sent, contents, SENDER)):
            assert told in form


def test_a_letter_is_in_the_language_and_the_time_zone_of_its_reader() -> None:
    german = mail(MailKind.REFUND, language="de", time_zone="Europe/Berlin")
    letter = write_letter(german, REFUND, SENDER)
    assert letter["Subject"] == "Erstattung von 1.234,56\xa0€"
    for form in both_forms(letter):
        assert "Der Verkauf wurde abgesagt." in form
        assert "24.11.2026, 10:37 MEZ" in form
    assert '<html lang="de">' in both_forms(letter)[1]


@pytest.mark.parametrize(
    ("language", "time_zone", "written"),
    [
        ("en", "America/New_York", "4:37\u202fAM EST"),
        ("en", "Asia/Kolkata", "3:07\u202fPM GMT+05:30"),
        ("xx", "Nowhere/At_All", "9:37\u202fAM UTC"),
        ("../de", "UTC", "9:37\u202fAM UTC"),
    ],
)
def test_what_cannot_be_written_in_a_language_or_a_zone_is_written_plainly(
    language: str, time_zone: str, written: str
) -> None:
    letter = write_letter(mail(language=language, time_zone=time_zone), RECEIPT, SENDER)
    assert letter["Subject"] == "Receipt 2026-000017"
    assert written in both_forms(letter)[0]


def test_a_letter_has_the_same_bytes_whenever_it_is_written() -> None:
    assert bytes(write_letter(mail(), RECEIPT, SENDER)) == bytes(write_letter(mail(), RECEIPT, SENDER))


def test_who_has_no_name_is_not_called_by_one() -> None:
    letter = write_letter(mail(name=""), RECEIPT, SENDER)
    assert letter["To"] == "ada@example.com"
    assert both_forms(letter)[0].startswith("Thank you. Your order is paid.")


def test_a_letter_is_ascii_on_the_wire_and_any_letters_when_read() -> None:
    letter = write_letter(mail(name="Žofie 李"), {**RECEIPT, "item": "Čajník 🫖"}, SENDER)
    assert bytes(letter).isascii()
    assert letter["To"].addresses[0].display_name == "Žofie 李"
    for form in both_forms(letter):
        assert "Čajník 🫖" in form
        assert "Žofie 李" in form


def test_no_name_becomes_a_header_a_line_or_an_element() -> None:
    for kind, contents in ((MailKind.RECEIPT, RECEIPT), (MailKind.REFUND, REFUND)):
        plain = Reader(both_forms(write_letter(mail(kind), contents, SENDER))[1]).elements
        bad = {**contents, **{name: NASTY for name in ("item", "number", "reason") if name in contents}}
        letter = write_letter(mail(kind, name=NASTY), bad, SENDER)
        assert list(letter) == HEADERS
        head, _, _ = bytes(letter).partition(b"\r\n\r\n")
        assert not [line for line in head.split(b"\r\n") if line.lower().startswith(b"bcc")]
        text, page = both_forms(letter)
        assert not [line for line in text.splitlines() if line.startswith(("Bcc", "<script>"))]
        assert Reader(page).elements == plain
        assert "{{ 7*7 }}" in Reader(page).text


@given(st.text(max_size=60))
def test_no_text_breaks_a_letter(text: str) -> None:
    letter = write_letter(mail(name=text), {**RECEIPT, "item": text, "number": text}, SENDER)
    assert list(letter) == HEADERS
    assert one_line(text) in both_forms(letter)[0]
    assert bytes(letter).isascii()


def test_an_address_that_is_none_is_refused() -> None:
    for address in ("ada@example.com\r\nBcc: x@example.com", "", "ada", "a@b, c@d"):
        with pytest.raises((ValueError, IndexError)):
            write_letter(mail(address=address), RECEIPT, SENDER)


def test_no_secret_is_in_a_letter() -> None:
    assert SENDER.password not in write_letter(mail(), RECEIPT, SENDER).as_string()
    assert SENDER.password not in repr(SENDER)
