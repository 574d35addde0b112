"""What an account is mailed, as a test reads it: from the outbox, with the address of the link."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from models.database import Database
from models.tables.mails import Mail
from tasks.mail.links import Links
from tests.support.polling import eventually


@dataclass(frozen=True, slots=True)
class Letterbox:
    """The outbox of a shop."""

    database: Database
    links: Links

    def mails_to(self, email: str) -> list[Mail]:
        """Everything that was entered to an address, oldest first."""
        with self.database.transaction() as session:
            mails = select(Mail).where(Mail.to_email == email).order_by(Mail.created_at, Mail.id)
            return list(session.scalars(mails))

    def kinds_to(self, email: str) -> list[str]:
        """Of which kinds that is."""
        return [mail.kind for mail in self.mails_to(email)]

    def token_to(self, email: str, kind: str) -> str:
        """The token of the link in the newest mail of a kind to an address, once that is entered."""
        found: list[Mail] = []

        def is_there() -> bool:
            found[:] = [mail for mail in self.mails_to(email) if mail.kind == kind]
            return bool(found)

        eventually(is_there)
        return self.url_of(found[-1].contents).partition("#")[2]

    def url_of(self, contents: dict[str, Any]) -> str:
        """The address of the link in a mail's contents."""
        with self.database.transaction() as session:
            url = self.links.url_of(session, UUID(contents["link"]))
        assert url is not None
        return url
