"""How the id of a mailed link becomes its token, and the address of the page that takes it.

A token is the link's id, signed by the application's secret: the sender of the letter makes it again, and
a reader of the database cannot. It stands after `#`, which browsers send to nobody; the page posts it.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from config import Settings
from models.enums import LinkKind
from models.tables.accounts import AccountLink

PAGES: Final = {
    LinkKind.VERIFY_EMAIL: "/verify",
    LinkKind.CHANGE_EMAIL: "/verify",
    LinkKind.RESET_PASSWORD: "/reset",
    LinkKind.INVITATION: "/invitation",
    LinkKind.ORDER: "/o",
}
_LABEL: Final = b"link in a mail "
_SIGNED_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class Links:
    """Writes the addresses of links, for the shop that is reached at `shop_url`."""

    shop_url: str
    secret_keys: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, settings: Settings) -> "Links":
        """Those of a shop with these settings."""
        return cls(settings.shop_url, settings.secret_keys)

    def url_of(self, session: Session, link_id: UUID) -> str | None:
        """Write a link's address by the key that it was made with; None if there is no such link any more."""
        link = session.get(AccountLink, link_id)
        if link is None:
            return None
        tokens = (token_of(key, link_id) for key in self.secret_keys)
        token = next((token for token in tokens if digest_of(token) == link.digest), None)
        return f"{self.shop_url}{PAGES[LinkKind(link.kind)]}#{token}" if token else None


def token_of(secret_key: str, link_id: UUID) -> str:
    """Make a link's token."""
    signature = hmac.digest(secret_key.encode(), _LABEL + link_id.bytes, "sha256")[:_SIGNED_BYTES]
    return base64.urlsafe_b64encode(link_id.bytes + signature).rstrip(b"=").decode()


def digest_of(token: str) -> bytes:
    """What the database holds of a token."""
    return hashlib.sha256(token.encode(errors="replace")).digest()
