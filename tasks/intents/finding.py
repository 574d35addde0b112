"""Finds intents wherever they are: in a sale's line, or decided in the ledger. Many make one round trip."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from models.enums import VERDICTS
from models.errors import FlashSaleError, LedgerUnavailable, LineUnavailable, NoSuchSale, NotFound
from models.live.records import Found
from models.messages import Message, stored_intent, undecided_intent
from models.queries.intents import read_intents
from tasks.context import Context
from tasks.intake.sale_cache import SaleRef


class Located(NamedTuple):
    """An intent as it is told, with its owner's id, and whether it is the ledger that says so."""

    message: Message
    owner: UUID
    is_stored: bool

    @property
    def is_final(self) -> bool:
        """Whether it never changes again: one that left is told so by the line before it has its verdict."""
        return self.is_stored and self.message["status"] in VERDICTS


def find_intents(
    context: Context, sale_number: int | None, intent_ids: Sequence[UUID]
) -> list[Located | FlashSaleError]:
    """Find intents whose ids name this sale; an error for each that is not found or only the line knows.

    Redis is read first: what is settled there is in the ledger already. A verdict that is in the ledger
    and not settled yet, since Redis was unavailable or refused writes, may have been told, and is kept.
    Without the line only final verdicts of the ledger are told: a standby intent may have left since.

    Raises:
        NotFound: there is no such sale.
        LedgerUnavailable: the sale, or all of these while the line is away, cannot be read.
    """
    sale_ref = sale_ref_of(context, sale_number)
    try:
        in_line = context.live.find_each(sale_ref.sale_id, list(map(str, dict.fromkeys(intent_ids))))
    except LineUnavailable as error:
        stored = stored_intents(context, intent_ids)
        return [_verdict(stored, one) or error for one in intent_ids]
    live = {one: in_line.get(str(one)) for one in intent_ids}
    unsettled = [one for one, found in live.items() if found is None or found.is_decided]
    unread: LedgerUnavailable | None = None
    stored = {}
    try:
        if unsettled:
            stored = stored_intents(context, unsettled)
    except LedgerUnavailable as error:
        unread = error
    return [_told(one, live[one], stored, sale_ref) or unread or _unknown() for one in intent_ids]


def stored_intents(context: Context, intent_ids: Sequence[UUID]) -> dict[UUID, Located]:
    """Read those of these intents that the ledger knows."""
    with context.database.connection() as connection:
        rows = read_intents(connection, intent_ids)
    return {row.id: Located(stored_intent(row), row.user_id, is_stored=True) for row in rows}


def sale_ref_of(context: Context, sale_number: int | None) -> SaleRef:
    """Look up the sale that an intent's id names.

    Raises:
        NotFound: it names none.
    """
    if sale_number is None:
        raise _unknown()
    try:
        return context.sale_cache.by_number(sale_number)
    except NoSuchSale:
        raise _unknown() from None


def _told(
    intent_id: UUID, found: Found | None, stored: dict[UUID, Located], sale_ref: SaleRef
) -> Located | None:
    """Choose between what the line says and what the ledger says; None where neither knows it."""
    if found is None:
        return stored.get(intent_id)
    message = undecided_intent(found, sale_ref.sale_id)
    return _verdict(stored, intent_id) or Located(message, UUID(found.intent.user_id), is_stored=False)


def _verdict(stored: dict[UUID, Located], intent_id: UUID) -> Located | None:
    found = stored.get(intent_id)
    return found if found is not None and found.is_final else None


def _unknown() -> NotFound:
    return NotFound("No intent has this id.")
