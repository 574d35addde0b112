"""Entity tags of what admins change: sent in `ETag`, and expected by `If-Match` (RFC 9110, 13.1.1)."""

import re
from typing import Any, Final

from flask import request

from models.messages import Message
from models.tables.catalogue import Sale
from tasks.runtime.revisions import ANYTHING, Expected, sale_tag
from web.http.errors import Problem

IF_MATCH: Final[dict[str, Any]] = {
    "name": "If-Match",
    "in": "header",
    "schema": {"type": "string", "maxLength": 1024},
    "description": "The ETag of what is to be changed; a 412 where that is not what there is now.",
}
ETAG: Final[dict[str, Any]] = {"ETag": {"schema": {"type": "string"}}}
SHOWN: Final = "+"  # what follows it in a tag is of the figures and words shown, which no change expects
_MOST: Final = 1024  # characters
_TAG: Final = r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"'
_LIST: Final = re.compile(rf"[ \t,]*{_TAG}([ \t]*,[ \t,]*{_TAG})*[ \t,]*").fullmatch
_TAGS: Final = re.compile(_TAG).findall


def etag(tag: str) -> dict[str, str]:
    """Write a tag as a header."""
    return {"ETag": f'"{tag}"'}


def etag_of_shown(sale: Sale, shown: Message) -> dict[str, str]:
    """Write the tag of a sale's settings as they are shown."""
    return etag(tag_of_shown(sale, shown))


def tag_of_shown(sale: Sale, shown: Message) -> str:
    """Name the tag of a sale's settings as they are shown."""
    return sale_tag(sale.revision, shown["allocation"], shown["price"]["amount_minor"])


def expected() -> Expected:
    """Read what has to be there for the change to be made; a weak tag fits nothing.

    What was shown counts by its settings alone: shoppers move figures all the time.

    Raises:
        Problem: 400 `bad_if_match`.
    """
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return ANYTHING
    if len(header) > _MOST or not _LIST(header):
        raise Problem(400, "bad_if_match", "Write If-Match as an ETag in its quotes, several of them, or *.")
    return Expected(frozenset(tag.partition(SHOWN)[0] for weak, tag in _TAGS(header) if not weak))
