"""Tells all web processes that what is for sale changed, so that none serves what it remembers."""

from typing import Final

import structlog

from models.errors import LineUnavailable
from tasks.context import Context

log: Final = structlog.get_logger()


def tell_change(context: Context) -> None:
    """Tell that a product changed or a sale is new, after it is in the ledger.

    While Redis is away nobody hears it; what is remembered is looked at again within a second anyway.
    """
    try:
        context.live.tell_catalogue()
    except LineUnavailable as error:
        log.warning("catalogue_not_told", error=str(error))
