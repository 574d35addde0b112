"""A 503 is told and nobody knows: once the line answers again, what stands in it unawares is taken out."""

from typing import Any
from uuid import UUID

import pytest

from models.errors import LineUnavailable
from models.ids import new_intent_id
from models.live.records import Submission
from models.live.store import Live, SubmitReply
from tasks.context import Context
from tasks.intake import reply_recovery
from tasks.intake.intake import Intake
from tests.support.polling import eventually
from tests.support.shop import Shop


class SilentLive(Live):
    """Does what it is asked and says nothing, until it is told to speak."""

    is_silent = True

    def submit(self, *args: Any, **kwargs: Any) -> SubmitReply:
        reply = super().submit(*args, **kwargs)
        self._be_silent()
        return reply

    def now_ms(self, sale_id: UUID | None = None) -> int:
        self._be_silent()
        return super().now_ms(sale_id)

    def leave(self, *args: Any, **kwargs: Any) -> Any:
        self._be_silent()
        return super().leave(*args, **kwargs)

    def _be_silent(self) -> None:
        if self.is_silent:
            raise LineUnavailable("No answer.")


def test_a_refused_submission_leaves_the_line_when_redis_speaks_again(
    shop: Shop, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reply_recovery, "RESOLVE_S", 0.3)
    sale, user = shop.open_sale(), shop.shopper()
    live = SilentLive(context.live.client)
    intake = Intake(live, context.sale_cache, context.bell, is_stored=lambda _one: False)
    intake._ahead_ms[None] = 0
    with pytest.raises(LineUnavailable):
        intake.submit(sale.id, Submission(str(new_intent_id(sale.row().number)), str(user), 1, False))
    assert sale.look().number("waiting") == 1
    live.is_silent = False
    eventually(lambda: sale.look().number("waiting") == 0)
    sale.drain()
    assert sale.statuses() == ["left"]
    assert UUID(str(sale.intents()[0].user_id)) == user
