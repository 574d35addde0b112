"""Notes which verdicts were told to a socket of their owner: nobody is mailed what they saw happen."""

from collections.abc import Collection, Sequence
from typing import Final, cast
from uuid import UUID

from models.live.keys import SaleKeys
from models.live.redis import Client, translated

KEPT_S: Final = 3_600  # far longer than until it is asked; a note that is lost costs a mail too many


class Heard:
    """The verdicts that were heard, by sale."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def note(self, sale_id: UUID, intent_ids: Collection[str]) -> None:
        """Note verdicts that were told."""
        key = SaleKeys.of(sale_id).heard
        with translated():
            pipeline = self._client.pipeline(transaction=False)
            pipeline.sadd(key, *intent_ids)
            pipeline.expire(key, KEPT_S)
            pipeline.execute()

    def of(self, sale_id: UUID, intent_ids: Sequence[str]) -> set[str]:
        """Read which of these were told."""
        with translated():
            told = cast(list[int], self._client.smismember(SaleKeys.of(sale_id).heard, list(intent_ids)))
        return {one for one, is_told in zip(intent_ids, told, strict=True) if is_told}
