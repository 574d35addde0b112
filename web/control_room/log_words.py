"""The words for an entry of the admins' log: the action, and what changed from what to what."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from flask_babel import gettext

from models.enums import AdminAction
from models.messages import Message, money
from web.control_room.words import say_state
from web.shop.languages import N_

ACTIONS: Final[Mapping[str, str]] = {
    AdminAction.CREATED: N_("created"),
    AdminAction.CLONED: N_("made after another"),
    AdminAction.CHANGED: N_("changed"),
    AdminAction.ARCHIVED: N_("deleted"),
    AdminAction.OPENED: N_("opened"),
    AdminAction.PAUSED: N_("paused"),
    AdminAction.RESUMED: N_("resumed"),
    AdminAction.ENDED: N_("ended"),
    AdminAction.CANCELLED: N_("cancelled"),
    AdminAction.REBUILT: N_("rebuilt"),
    AdminAction.RETRIED: N_("tried again"),
    AdminAction.REFUND_ASKED: N_("refund asked for"),
    AdminAction.BANNED: N_("banned"),
    AdminAction.UNBANNED: N_("let in again"),
    AdminAction.FACTOR_RESET: N_("second factor taken away"),
    AdminAction.INVITED: N_("invited to the staff"),
    AdminAction.UNINVITED: N_("invitation withdrawn"),
    AdminAction.JOINED: N_("joined the staff"),
    AdminAction.ROLE_CHANGED: N_("role changed"),
    AdminAction.REMOVED: N_("taken out of the staff"),
    AdminAction.REVOKED: N_("revoked"),
    AdminAction.ERASED: N_("erased"),
}

TEXT, MONEY, MOMENT, COUNT, SALE, PRODUCT = "text", "money", "moment", "count", "sale", "product"

FIELDS: Final[Mapping[str, tuple[str, str]]] = {  # in the order in which they are told
    "model_id": (N_("After"), SALE),
    "product_id": (N_("Product"), PRODUCT),
    "name": (N_("Name"), TEXT),
    "staff_role": (N_("Role"), TEXT),
    "expires_at": (N_("Counts until"), MOMENT),
    "description": (N_("Description"), TEXT),
    "image_url": (N_("Picture"), TEXT),
    "list_price_minor": (N_("List price"), MONEY),
    "price_minor": (N_("Price"), MONEY),
    "currency": (N_("Currency"), TEXT),
    "allocation": (N_("Units"), COUNT),
    "lobby_opens_at": (N_("Lobby opens"), MOMENT),
    "opens_at": (N_("Opens"), MOMENT),
    "closes_at": (N_("Closes"), MOMENT),
    "per_shopper_limit": (N_("Limit for one shopper"), COUNT),
    "hold_seconds": (N_("Seconds of a hold"), COUNT),
    "requires_verified_email": (N_("Confirmed addresses only"), TEXT),
    "admission_order": (N_("Order of the lobby"), TEXT),
    "rate_per_second": (N_("Decisions a second"), COUNT),
    "max_open_holds": (N_("Open holds at most"), COUNT),
    "revision": (N_("Revision"), COUNT),
    "reason": (N_("Reason"), TEXT),
    "kind": (N_("Kind"), TEXT),
    "dropped": (N_("Undecided intents lost"), COUNT),
}
ADMISSION: Final = {"fifo": N_("First come, first served"), "draw": N_("Drawn by lot")}
_ORDER: Final = {name: place for place, name in enumerate(FIELDS)}


class Value(NamedTuple):
    """A value and how it is to be written; without a value there was none."""

    kind: str
    value: Any


class Detail(NamedTuple):
    """One thing that an entry tells; without `before` it tells what is, and not what changed."""

    words: str
    before: Value | None
    now: Value


def action_words(action: str) -> str:
    """Name an action in the visitor's language."""
    words: str = gettext(ACTIONS[action]) if action in ACTIONS else action
    return words


def details_of(entry: Message, currency: str) -> list[Detail]:
    """List what an entry's details say; `currency`: the subject's own, where the entry names none."""
    told = entry["details"]
    named = told.get("currency", currency)
    now = named[-1] if isinstance(named, list) else named
    was = named[0] if isinstance(named, list) else named
    known = sorted(told, key=lambda name: _ORDER.get(name, len(_ORDER)))
    return [_detail(name, told[name], was, now) for name in known if _is_told(name, told[name])]


def _is_told(name: str, said: Any) -> bool:
    """Leave out what was never set, and a currency that its amount shows already."""
    return said is not None and said != "" and not (name == "currency" and isinstance(said, str))


def _detail(name: str, said: Any, was: str, now: str) -> Detail:
    words, kind = FIELDS.get(name, (name, TEXT))
    if isinstance(said, list):
        before, after = said
        return Detail(gettext(words), _value(name, kind, before, was), _value(name, kind, after, now))
    return Detail(gettext(words), None, _value(name, kind, said, now))


def _value(name: str, kind: str, said: Any, currency: str) -> Value:
    if said is None or said == "":
        return Value(kind, None)
    if isinstance(said, bool):
        return Value(TEXT, gettext("yes") if said else gettext("no"))
    if kind == MONEY and currency:
        return Value(kind, money(said, currency))
    if name == "admission_order":
        return Value(TEXT, gettext(ADMISSION.get(said, said)))
    if name in ("staff_role", "kind"):
        return Value(TEXT, say_state(name, said).words)
    return Value(TEXT if kind == MONEY else kind, said)
