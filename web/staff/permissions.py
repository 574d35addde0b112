"""The one table of who of the staff may do what: each admin route and page names a word of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from models.enums import StaffRole

_ALL: Final = frozenset(StaffRole)
_OPERATORS: Final = frozenset({StaffRole.OPERATOR, StaffRole.OWNER})
_FINANCE: Final = frozenset({StaffRole.FINANCE, StaffRole.OWNER})
_OWNERS: Final = frozenset({StaffRole.OWNER})


@dataclass(frozen=True, slots=True)
class Permission:
    """What may be done, by which roles.

    `asks_again`: people have given their password or second factor lately, or are asked for it.
    `is_for_keys`: a program's key with such a role may do it too.
    """

    word: str
    roles: frozenset[StaffRole]
    asks_again: bool = False
    is_for_keys: bool = True


PERMISSIONS: Final[Mapping[str, Permission]] = {
    one.word: one
    for one in (
        Permission("sales.read", _ALL),  # overview, audit
        Permission("products.read", _ALL),
        Permission("intents.read", _ALL),  # everybody's
        Permission("orders.read", _ALL),  # everybody's, with their payments
        Permission("shoppers.read", _ALL),
        Permission("reports.read", _ALL),
        Permission("tasks.read", _ALL),
        Permission("workers.read", _ALL),
        Permission("mails.read", _ALL),  # to whom, of what kind, and what became of it
        Permission("letters.read", _OWNERS, is_for_keys=False),  # kept ones, with links to anybody's account
        Permission("log.read", _ALL),
        Permission("products.write", _OPERATORS),
        Permission("sales.write", _OPERATORS),  # create, change, open, pause, resume
        Permission("sales.end", _OPERATORS, asks_again=True),
        Permission("tasks.run", _OPERATORS),  # retry, audit now, make a report again
        Permission("money.refund", _FINANCE, asks_again=True),
        Permission("receipts.read", _FINANCE),  # everybody's
        Permission("exports.read", _FINANCE, asks_again=True),  # files that name people
        Permission("sales.cancel", _OWNERS, asks_again=True),  # all that was paid goes back
        Permission("shoppers.ban", _OWNERS, asks_again=True),
        Permission("factors.reset", _OWNERS, asks_again=True, is_for_keys=False),
        Permission("staff.read", _OWNERS, is_for_keys=False),
        Permission("staff.manage", _OWNERS, asks_again=True, is_for_keys=False),
        Permission("keys.read", _OWNERS, is_for_keys=False),
        Permission("keys.manage", _OWNERS, asks_again=True, is_for_keys=False),
        Permission("shoppers.erase", _OWNERS, asks_again=True),
    )
}


def is_allowed(staff_role: str | None, word: str) -> bool:
    """Whether a role of staff may do what a word names; who is no staff has none and may not."""
    return staff_role in PERMISSIONS[word].roles
