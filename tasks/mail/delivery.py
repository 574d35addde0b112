"""Sends mails that are due: leased, sent over one connection, and noted; for a limited time.

Any number of processes may send at once. Each does so in a few threads at most, however often the bell rings,
so that a server that hangs takes no thread from payments. No transaction is open while the server is called.
"""

import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from typing import Final
from uuid import UUID

import structlog

from config import MailSettings
from models.database import Database
from models.enums import MailStatus
from models.tables.mails import Mail
from tasks.mail.links import Links
from tasks.mail.messages import Contents, read_contents, words_of, write_letter
from tasks.mail.outbox import Tried, hand_back, has_due, note_tried, take_up
from tasks.mail.smtp import DEADLINE_S, TIMEOUT_S, Post, Refused, Unreached
from tasks.mail.words import Written
from tasks.mail.writing import without_address
from tasks.runtime.failpoints import failpoint

AT_ONCE: Final = 20  # mails
MOST_SENDERS: Final = 2  # threads of one process
SLICE_S: Final = 5.0  # after which nothing more is leased, and the rest is handed back

log: Final = structlog.get_logger()


class Mailer:
    """Sends what is in the outbox, if mail is configured. Nothing connects before its first use."""

    def __init__(
        self,
        database: Database,
        settings: MailSettings | None,
        links: Links,
        *,
        timeout_s: float = TIMEOUT_S,
        deadline_s: float = DEADLINE_S,
        slice_s: float = SLICE_S,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._database = database
        self._links = links
        self._server = None if settings is None or settings.is_kept else settings
        self._timeout_s = timeout_s
        self._deadline_s = deadline_s
        self._slice_s = slice_s
        self._tls = tls
        self._places = threading.Semaphore(MOST_SENDERS)

    def has_due(self) -> bool:
        """Return whether there is a mail to send, and mail is configured."""
        if self._server is None:
            return False
        with self._database.transaction() as session:
            return has_due(session)

    def deliver(self) -> int:
        """Send what is due; returns how many mails were accepted. Does nothing if enough threads are sending.

        Raises:
            LedgerUnavailable: PostgreSQL is unavailable; what was leased is sent again after its lease.
        """
        if self._server is None or not self._places.acquire(blocking=False):
            return 0
        try:
            return self._deliver(self._server, time.monotonic() + self._slice_s)
        finally:
            self._places.release()

    def kept_letter(self, mail_id: UUID) -> Written | None:
        """Write the letter of a mail that is kept, as it would be sent; None for others and emptied ones."""
        with self._database.transaction() as session:
            mail = session.get(Mail, mail_id)
            if mail is None or mail.status != MailStatus.KEPT or not mail.to_email:
                return None
            contents = read_contents(session, [mail], self._links).get(mail_id)
        return words_of(mail, contents) if contents is not None else None

    def _deliver(self, settings: MailSettings, until: float) -> int:
        mails, contents = self._take_up()
        if not mails:
            return 0
        failpoint("mail_taken_up")
        try:
            post = Post(settings, timeout_s=self._timeout_s, deadline_s=self._deadline_s, tls=self._tls)
        except Unreached as error:
            log.warning("mail_server_away", host=settings.host, mails=len(mails), error=str(error))
            self._note([Tried(mail, str(error)) for mail in mails], [])
            return 0
        mailed = 0
        try:
            while mails:
                tried, is_lost = _send(post, settings, mails, contents, until)
                failpoint("mail_sent")
                self._note(tried, mails[len(tried) :])
                mailed += sum(one.error is None for one in tried)
                if is_lost or time.monotonic() >= until:
                    break
                mails, contents = self._take_up()
        finally:
            post.close()
        return mailed

    def _take_up(self) -> tuple[list[Mail], dict[UUID, Contents]]:
        with self._database.transaction() as session:
            mails = take_up(session, AT_ONCE)
            return mails, read_contents(session, mails, self._links)

    def _note(self, tried: Sequence[Tried], untried: Sequence[Mail]) -> None:
        with self._database.transaction() as session:
            given_up = [one for one in tried if note_tried(session, one)]
            hand_back(session, untried)
        for one in given_up:
            log.error("mail_given_up", **_named(one.mail), error=one.error)


def _send(
    post: Post,
    settings: MailSettings,
    mails: Sequence[Mail],
    contents: Mapping[UUID, Contents],
    until: float,
) -> tuple[list[Tried], bool]:
    """Send mails one after the other; returns what became of them, and whether the connection was lost."""
    tried: list[Tried] = []
    for mail in mails:
        if tried and time.monotonic() >= until:
            break
        try:
            post.send(_letter(mail, contents, settings))
        except Refused as error:
            said = without_address(str(error), mail.to_email)
            log.warning("mail_refused", **_named(mail), error=said)
            tried.append(Tried(mail, said, is_final=error.is_final))
        except Unreached as error:
            said = without_address(str(error), mail.to_email)
            log.warning("mail_unanswered", **_named(mail), error=said)
            return [*tried, Tried(mail, said)], True
        except Exception as error:
            log.exception("mail_not_written", **_named(mail))
            tried.append(Tried(mail, repr(error)))
        else:
            tried.append(Tried(mail))
    return tried, False


def _letter(mail: Mail, contents: Mapping[UUID, Contents], settings: MailSettings) -> EmailMessage:
    if mail.id not in contents:
        raise Refused("What it tells of is gone.", is_final=True)
    return write_letter(mail, contents[mail.id], settings)


def _named(mail: Mail) -> dict[str, str | int | None]:
    return {
        "mail_id": str(mail.id),
        "kind": mail.kind,
        "order_id": str(mail.order_id) if mail.order_id else None,
        "tries": mail.attempts,
    }
