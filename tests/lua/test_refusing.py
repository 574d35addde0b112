"""A Redis that accepts no writes: no script is ever half done, and what makes room is done all the same."""

from collections.abc import Callable
from typing import Any

import pytest

from models.errors import LineRefused
from models.live.records import ClaimCode, UnitsBack
from models.live.store import Live
from tests.lua.line import EPOCH, Line, names, submission
from tests.support.moods import MOODS, Mood, busy, full, without_master

Action = Callable[[Line], Any]


def has_lined_up(line: Line) -> None:
    line.line_up(3)


def has_claimed(line: Line) -> None:
    line.line_up(3)
    line.claimed(claim_id="mine")


def has_parked(line: Line) -> None:
    has_claimed(line)
    line.live.client.zadd(line.keys.claims, {"mine": "+inf"})


def has_an_overdue_claim(line: Line) -> None:
    line.line_up(3)
    line.claimed(lease_ms=-1)


def has_holds(line: Line) -> None:
    line.line_up(3)
    line.settle(line.claimed())


def the_claim(line: Line) -> Any:
    return line.live.claim(line.sale_id, 100, claim_id="mine").claim


def submit(line: Line) -> None:
    line.live.submit(line.sale_id, EPOCH, [submission(*names(1), key="k"), submission(*names(1))])


def claim(line: Line) -> None:
    line.live.claim(line.sale_id, 100)


def settle(line: Line) -> None:
    first = the_claim(line).decisions[0]
    line.live.settle(
        line.sale_id, the_claim(line), "[]", units_back=[UnitsBack(first.intent_id, first.user_id, 1, 0)]
    )


def postpone(line: Line) -> None:
    line.live.postpone(line.sale_id, the_claim(line), 0)


def split(line: Line) -> None:
    line.live.split(line.sale_id, the_claim(line), [the_claim(line).decisions[0].intent_id])


def leave(line: Line) -> None:
    intent = line.live.page(line.sale_id).intents[0]
    line.live.leave(line.sale_id, EPOCH, intent.intent_id, intent.user_id)


def has_a_lobby_to_draw(line: Line) -> None:
    line.set(status="scheduled", admission_order="draw", lobby_opens_at_ms=1)
    line.line_up(3)
    line.set(status="open", lobby_size=3, undrawn_until=3, draw_seed="5eed")


def has_a_lobby(line: Line) -> None:
    line.set(status="scheduled", lobby_opens_at_ms=1)
    line.line_up(3)


def draw(line: Line) -> None:
    line.live.draw(line.sale_id)


def release(line: Line) -> None:
    line.live.release(line.sale_id, EPOCH, ["of nobody", *line.live.people(line.sale_id)[1]], "[]")


def sell(line: Line) -> None:
    line.live.sell(line.sale_id, EPOCH, ["of nobody", *line.live.people(line.sale_id)[1]], "[]")


def configure(line: Line) -> None:
    line.live.configure(line.sale_id, EPOCH, 2, {"status": "paused"}, seed="")


def adjust(line: Line) -> None:
    line.live.adjust(line.sale_id, EPOCH, line.sale_id, 5)


def hold_again(line: Line) -> None:
    line.live.hold_again(line.sale_id, EPOCH, line.sale_id, intent_id="i", user_id="u", units=1)


def retry_parked(line: Line) -> None:
    line.live.retry_parked(line.sale_id)


def take_a_pulse(line: Line) -> None:
    line.live.pulse.take(line.sale_id)


ACTIONS: tuple[tuple[Action, Action], ...] = (
    (has_lined_up, submit),
    (has_lined_up, claim),
    (has_an_overdue_claim, claim),
    (has_claimed, settle),
    (has_claimed, postpone),
    (has_claimed, split),
    (has_lined_up, leave),
    (has_a_lobby, leave),
    (has_a_lobby_to_draw, draw),
    (has_holds, release),
    (has_holds, sell),
    (has_lined_up, configure),
    (has_lined_up, adjust),
    (has_holds, hold_again),
    (has_parked, retry_parked),
    (has_lined_up, take_a_pulse),
)
MAKES_ROOM = (claim, settle, postpone, split, leave, draw, release, sell)


def everything(line: Line) -> dict[str, Any]:
    """What Redis holds, but for turns and the like."""
    client = line.live.client
    found: Any = client.keys(f"*{line.sale_id}*")
    return {key: client.execute_command("DUMP", key, NEVER_DECODE=True) for key in found}  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("mood", MOODS, ids=lambda mood: mood.__name__)
@pytest.mark.parametrize(("before", "action"), ACTIONS, ids=lambda one: one.__name__)
def test_what_is_refused_changes_nothing(line: Line, mood: Mood, before: Action, action: Action) -> None:
    before(line)
    was = everything(line)
    with mood(line.live.client):
        if mood is full and action in MAKES_ROOM:
            action(line)
        else:
            with pytest.raises(LineRefused):
                action(line)
            if mood not in (busy, without_master):  # there nothing can be looked at either
                assert everything(line) == was
    line.check()
    assert mood is full or everything(line) == was


def test_a_full_redis_drains_its_line_and_takes_units_back(live: Live) -> None:
    line = Line(live, 2)
    line.line_up(5)
    with full(live.client):
        claimed = line.claimed()
        assert line.settle(claimed)
        held = [one.intent_id for one in claimed.decisions if one.outcome == "held"]
        assert line.release(*held) == 2
        assert line.settle(line.claimed())
    assert line.look().line_length == 0
    assert line.claim().code == ClaimCode.EMPTY


def test_a_full_redis_still_answers_who_stands_in_line(line: Line) -> None:
    (ann,) = names(1)
    first = line.submit(ann, key="k")
    with full(line.live.client):
        assert line.submit(ann, key="k").intent_id == first.intent_id
        assert line.submit(ann).code == "in_line"
