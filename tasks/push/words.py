"""What a push says, in its reader's language: what happened with what. It names no person."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from models.enums import MailKind
from models.languages import translations

MOST_ITEM: Final = 100  # characters of a product's name


def N_(words: str) -> str:  # noqa: N802 - as gettext calls it
    """Mark words for the catalogues."""
    return words


SAID: Final[Mapping[MailKind, str]] = {
    MailKind.OPENS_SOON: N_("The sale that you follow opens soon."),
    MailKind.HOLD_BEGUN: N_("It is held for you now. Pay before the hold runs out."),
    MailKind.HOLD_ENDS: N_("Your hold ends soon. Pay to keep it."),
    MailKind.DRAW_RESULT: N_("The lots are drawn. See where you stand."),
}


def write_push(kind: MailKind, name: str, contents: Mapping[str, Any], language: str) -> bytes:
    """Write what the service worker is handed, as JSON: `title`, `body`, `page`, `tag`, `lang`.

    Raises:
        KeyError: pushes of this kind say nothing.
    """
    said = {
        "title": str(contents["item"])[:MOST_ITEM],
        "body": translations(language).gettext(SAID[kind]),
        "page": contents["page"],
        "tag": f"{kind}.{name}",
        "lang": language,
    }
    return orjson.dumps(said)
