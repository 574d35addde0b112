"""An SMTP server for tests: it keeps letters, or refuses, hangs and breaks off as told."""

import asyncio
import email
import email.policy
import socket
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, Final

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from config import MailSettings

HANG: Final = "hang"
TAKE_AND_BREAK_OFF: Final = "take and break off"
TAKE: Final = "250 OK"


@dataclass
class Postbox:
    """What came, and what is answered: in turn what it was told, and then that everything is taken."""

    senders: deque[str] = field(default_factory=deque)
    recipients: deque[str] = field(default_factory=deque)
    data: deque[str] = field(default_factory=deque)
    letters: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    connections: int = 0
    hanging: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    go_on: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def settings(self) -> MailSettings:
        """How it is reached."""
        return MailSettings("127.0.0.1", self.port, "none", "", "", "Flash Säle", "receipts@shop.example")

    async def handle_MAIL(  # noqa: N802 - as aiosmtpd calls it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session, options
        self.connections += 1
        envelope.mail_from = address
        return await self._say(self.senders)

    async def handle_RCPT(  # noqa: N802 - as aiosmtpd calls it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session, options
        said = await self._say(self.recipients)
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(  # noqa: N802 - as aiosmtpd calls it
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        del session
        said = await self._say(self.data)
        if said in (TAKE, TAKE_AND_BREAK_OFF):
            assert isinstance(envelope.original_content, bytes)
            self.raw.append(envelope.original_content)
            letter = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
            assert isinstance(letter, EmailMessage)
            self.letters.append(letter)
        if said == TAKE_AND_BREAK_OFF:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return TAKE if said == TAKE_AND_BREAK_OFF else said

    async def _say(self, told: deque[str]) -> str:
        said = told.popleft() if told else TAKE
        if said == HANG:
            self.hanging.release()
            await asyncio.to_thread(self.go_on.wait)
            return "451 too late"
        return said


class _Server(Controller):
    """aiosmtpd on a port that the system chooses."""

    def __init__(self, postbox: Postbox, **options: Any) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        super().__init__(postbox, hostname="127.0.0.1", port=self._listening.getsockname()[1], **options)

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self._listening, ssl=self.ssl_context)


@contextmanager
def postbox_open(**options: Any) -> Iterator[Postbox]:
    """Have an SMTP server; the options are aiosmtpd's."""
    postbox = Postbox()
    server = _Server(postbox, **options)
    postbox.port = server.port
    server.start()
    try:
        yield postbox
    finally:
        postbox.go_on.set()
        server.stop()


@contextmanager
def dribbling() -> Iterator[MailSettings]:
    """A server that greets for ever, a byte at a time, so that no timeout between two bytes ends it."""
    over = threading.Event()

    def greet(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            while not over.wait(0.01):
                try:
                    connection.send(b"2")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=greet, args=(listening,))
        thread.start()
        try:
            yield Postbox(port=listening.getsockname()[1]).settings
        finally:
            over.set()
            thread.join()
