"""What erased accounts are called: addresses at which nobody can ever be."""

from typing import Final
from uuid import UUID

DOMAIN: Final = "erased.invalid"  # RFC 2606


def pseudonym_of(user_id: UUID) -> str:
    """Write the address of an erased account."""
    return f"erased-{user_id}@{DOMAIN}"


def is_pseudonym(email: str) -> bool:
    """Return whether an address is an erased account's: nothing is mailed there."""
    return email.endswith(f"@{DOMAIN}")
