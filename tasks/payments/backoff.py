"""How long to wait before a provider is asked the same again."""

from typing import Final

from models.leases import Backoff

ASKED_AGAIN: Final = Backoff(first_s=3, longest_s=600)
