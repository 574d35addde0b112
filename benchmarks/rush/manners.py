"""How shoppers behave once units are theirs: who pays, is declined first, or lets the hold expire."""

from enum import StrEnum
from typing import Final


class Manner(StrEnum):
    """What a shopper does about a hold."""

    PAYS = "pays"
    DECLINED_FIRST = "declined_first"  # is declined once, and then pays
    LETS_EXPIRE = "lets_expire"


class Paying(StrEnum):
    """How a whole crowd pays: `PAYING`."""

    ALL = "all"
    THIRDS = "thirds"


MANNERS: Final[dict[Paying, tuple[Manner, ...]]] = {
    Paying.ALL: (Manner.PAYS,),
    Paying.THIRDS: (Manner.LETS_EXPIRE, Manner.DECLINED_FIRST, Manner.PAYS),
}

METHODS: Final[dict[Manner, tuple[str, ...]]] = {
    Manner.PAYS: ("sandbox_ok",),
    Manner.DECLINED_FIRST: ("sandbox_decline", "sandbox_ok"),
    Manner.LETS_EXPIRE: (),
}


def manner_of(paying: Paying, number: int) -> Manner:
    """Say how the shopper with this number behaves; each manner has an equal share of the numbers."""
    manners = MANNERS[paying]
    return manners[number % len(manners)]
