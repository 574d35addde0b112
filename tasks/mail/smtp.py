"""Connects to the SMTP server: opened by the settings, limited in time, closed whatever happens.

Reports for each message whether it was accepted, and for a failure whether message or connection was at
fault.
"""

import smtplib
import socket
import ssl
import threading
from contextlib import suppress
from email.message import EmailMessage
from functools import cache
from typing import Any, Final

from config import MailSettings
from tasks.mail.writing import one_line

TIMEOUT_S: Final = 10.0  # for one answer of the server
DEADLINE_S: Final = 20.0  # for a whole connection, however slowly the server answers


class Unreached(Exception):
    """There is no connection (any more); it is unknown what became of a message in flight."""


class Refused(Exception):
    """The server does not accept this message. `is_final`: nor will it later."""

    def __init__(self, error: str, *, is_final: bool) -> None:
        super().__init__(error)
        self.is_final = is_final


@cache
def _trusted() -> ssl.SSLContext:
    """Whom this machine trusts, read once: it takes longer than a mail."""
    return ssl.create_default_context()


class Post:
    """One connection to the SMTP server."""

    def __init__(
        self,
        settings: MailSettings,
        *,
        timeout_s: float = TIMEOUT_S,
        deadline_s: float = DEADLINE_S,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Connect, encrypt and log in, as the settings say; `tls` says which certificates are trusted.

        Raises:
            Unreached: that did not work. Whatever the server objects to here is not the message's fault.
        """
        self._deadline_s = deadline_s
        self._tls = tls
        try:
            self._smtp = self._connect(settings, timeout_s)
            try:
                self._enter(settings)
            except BaseException:
                self._smtp.close()
                raise
        except (smtplib.SMTPException, OSError, UnicodeError) as error:  # the last: an invalid host name
            raise Unreached(_say(error)) from error

    def send(self, letter: EmailMessage) -> None:
        """Send a message; afterwards the server has it.

        Raises:
            Refused: this message is not accepted, but others may be.
            Unreached: the connection is gone; the server may have the message or not.
        """
        try:
            self._smtp.send_message(letter)
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            raise Refused(_answer(code, said), is_final=code >= 500) from error
        except smtplib.SMTPSenderRefused as error:  # our configuration's fault
            raise Refused(_say(error), is_final=False) from error
        except smtplib.SMTPDataError as error:
            raise Refused(_say(error), is_final=error.smtp_code >= 500) from error
        except smtplib.SMTPNotSupportedError as error:  # the address is not in ASCII
            raise Refused(_say(error), is_final=True) from error
        except (smtplib.SMTPException, OSError) as error:
            self._smtp.close()
            raise Unreached(_say(error)) from error

    def close(self) -> None:
        """Quit and close; errors are ignored."""
        try:
            if self._smtp.sock is not None:
                self._smtp.quit()
        except (smtplib.SMTPException, OSError):
            pass  # everything that was sent was answered before
        finally:
            self._smtp.close()

    def _connect(self, settings: MailSettings, timeout_s: float) -> "_Bounded":
        common: dict[str, Any] = {
            "local_hostname": settings.domain,
            "timeout": timeout_s,
            "deadline_s": self._deadline_s,
        }
        if settings.security == "tls":
            return _BoundedTls(settings.host, settings.port, context=self._tls or _trusted(), **common)
        return _Bounded(settings.host, settings.port, **common)

    def _enter(self, settings: MailSettings) -> None:
        if settings.security == "starttls":
            self._smtp.starttls(context=self._tls or _trusted())
        if settings.user:
            self._smtp.login(settings.user, settings.password)


class _Bounded(smtplib.SMTP):
    """A connection that is cut when its time is over: a plain timeout starts again with every byte."""

    def __init__(self, *where: Any, deadline_s: float, **options: Any) -> None:
        self._watchdog = threading.Timer(deadline_s, self._cut)
        self._watchdog.daemon = True
        self._watchdog.start()
        try:
            super().__init__(*where, **options)
        except BaseException:
            self._watchdog.cancel()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._watchdog.cancel()
        super().close()

    def _cut(self) -> None:
        sock = self.sock
        if sock is not None:
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # a blocked reader then sees the end


class _BoundedTls(_Bounded, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte."""


def _say(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _answer(error.smtp_code, error.smtp_error)
    return one_line(f"{type(error).__name__}: {error}")


def _answer(code: int, said: bytes | str) -> str:
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return one_line(f"{code} {words}")  # it is stored, logged and shown
