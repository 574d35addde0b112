"""Makes single verbs of the live store fail: the crash between two stores, without a crash."""

from dataclasses import replace
from typing import Any

from models.errors import LineUnavailable
from models.live.store import Live
from tasks.context import Context


class PartlyAway(Live):
    """A live store that does not answer to some verbs."""

    def __init__(self, live: Live, verbs: tuple[str, ...]) -> None:
        super().__init__(live.client)
        for verb in verbs:
            setattr(self, verb, _no_answer)


def _no_answer(*_args: Any, **_kwargs: Any) -> Any:
    raise LineUnavailable("Redis is away.")


def away(context: Context, *verbs: str) -> Context:
    """Make a context for which these verbs of the live store have no answer, and change nothing."""
    return replace(context, live=PartlyAway(context.live, verbs))
