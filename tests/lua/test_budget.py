"""No script works longer because a lobby, a line or a standby is long: its commands are counted."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from models.live.redis import Client
from models.live.scripts import FOLDER, Scripts, source_of
from models.live.store import Live
from tests.lua.line import EPOCH, SEED, Line, names, snapshot

FEW, MANY = 60, 600
CLAIM = 10
BESIDES = ("cmdstat_eval", "cmdstat_evalsha", "cmdstat_script", "cmdstat_info")


class CountingScripts(Scripts):
    """Notes how many commands each script gives, by the server's own statistics; the most of its runs."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self._client = client
        self.commands: dict[str, int] = {}

    def run(self, verb: str, keys: list[str], args: list[Any]) -> Any:
        before = self._given()
        reply = super().run(verb, keys, args)
        self.commands[verb] = max(self.commands.get(verb, 0), self._given() - before)
        return reply

    def _given(self) -> int:
        stats = cast(dict[str, dict[str, int]], self._client.info("commandstats"))
        return sum(one["calls"] for name, one in stats.items() if name not in BESIDES)


def counting(live: Live) -> tuple[Live, CountingScripts]:
    counted = Live(live.client)
    scripts = CountingScripts(live.client)
    counted._scripts = scripts
    return counted, scripts


def lobby_is_drawn(line: Line, crowd: int) -> None:
    """A lobby comes, some leave, it opens and is drawn, looked at and served."""
    line.set(status="scheduled", admission_order="draw", lobby_opens_at_ms=1)
    answers = [answer for _ in range(crowd // 30) for answer in line.line_up(30)]
    for answer in answers[:3]:
        line.leave(answer)
    line.claimed(CLAIM)
    line.configure(2, status="open")
    look_around(line, answers)
    line.submit(names(1)[0])
    line.leave(answers[10])
    line.settle(line.claimed(CLAIM))


def all_leave(line: Line, crowd: int) -> None:
    """A lobby comes and leaves, and opens."""
    line.set(status="scheduled", admission_order="draw", lobby_opens_at_ms=1)
    for _ in range(crowd // 30):
        for answer in line.line_up(30):
            line.leave(answer)
    line.configure(2, status="open")
    line.settle(line.claimed(CLAIM))


def line_is_ended(line: Line, crowd: int) -> None:
    """A line is looked at and ends before it is served."""
    answers = [answer for _ in range(crowd // 30) for answer in line.line_up(30)]
    look_around(line, answers)
    line.configure(2, status="ended")
    line.settle(line.claimed(CLAIM))


def standby_waits(line: Line, crowd: int) -> None:
    """Many stand by for more than comes home, the last for less; some leave; then hardly anybody may hope."""
    line.set(per_shopper_limit=9)
    (first, *_) = line.line_up(1)
    line.line_up(1, quantity=9)
    waiting = [answer for _ in range(crowd // 30) for answer in line.line_up(30, quantity=5)]
    (last,) = line.line_up(1)
    while (claim := line.claim(500).claim) is not None:
        line.settle(claim)
    line.live._scripts.commands.clear()  # type: ignore[attr-defined]
    line.leave(waiting[7])
    line.claimed(CLAIM)
    look_around(line, waiting)
    line.release(first.intent_id)
    (served,) = line.claimed(CLAIM).decisions
    assert served.intent_id == last.intent_id
    line.sell(served.intent_id)
    line.adjust(1)
    line.configure(2, status="cancelled")
    line.claimed(CLAIM)


def look_around(line: Line, answers: list[Any]) -> None:
    line.look()
    line.live.find(line.sale_id, answers[20].intent_id)
    line.live.standing_of_each(line.sale_id, [answer.intent.user_id for answer in answers[10:15]])
    for before in (0, 25):
        line.live.page(line.sale_id, before=before, limit=5)


SCENES = (lobby_is_drawn, all_leave, line_is_ended, standby_waits)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_a_script_does_as_much_in_a_crowd_as_among_few(
    live: Live, scene: Callable[[Line, int], None]
) -> None:
    counted = []
    for crowd in (FEW, MANY):
        watched, scripts = counting(live)
        line = Line(watched)
        line.check = lambda: None  # type: ignore[method-assign]  # it reads everything
        scene(line, crowd)
        counted.append(dict(scripts.commands))
    few, many = counted
    assert many.keys() == few.keys()
    # A claim takes what it is asked for; where there are few, it may find less.
    assert many.pop("claim") <= few.pop("claim") + 4 * CLAIM
    assert many == few


def unbounded(text: str) -> Iterator[str]:
    """Find the commands that answer with, or go through, as much as there is."""
    for number, line in enumerate(text.splitlines(), 1):
        code = line.partition("--")[0]
        is_whole = "0, -1" in code and "RANGE'" in code and "standing_by" not in code
        names_all = any(
            f"'{name}'" in code for name in ("HKEYS", "HVALS", "SMEMBERS", "SORT", "KEYS", "SCAN")
        )
        if is_whole or names_all or ("'HGETALL'" in code and "KEYS[1]" not in code) or "'LREM'" in code:
            yield f"{number}: {line}"


@pytest.mark.parametrize("verb", [path.stem for path in sorted(FOLDER.glob("*.lua"))])
def test_no_script_asks_for_all_that_there_is(verb: str) -> None:
    found = [one for one in unbounded(source_of(verb)) if not (verb == "look" and "ZRANGE" in one)]
    assert found == []  # look asks for a short standby only


def test_what_asks_for_everything_would_be_found() -> None:
    text = "local ids = redis.call('LRANGE', KEYS[2], 0, -1)\nredis.call('HGETALL', KEYS[1])\n"
    assert [one[0] for one in unbounded(text)] == ["1"]


def test_lots_are_drawn_so_many_at_a_time(live: Live) -> None:
    line = Line(live, status="scheduled", admission_order="draw", lobby_opens_at_ms=1)
    line.line_up(50)
    keys = [line.keys.state, line.keys.lobby]
    opening = [EPOCH, 2, line.keys.live_channel, SEED, "status", "open"]
    assert live._scripts.run("configure", keys, opening) == ["configured", 1]
    left = [live._scripts.run("draw", keys, [20, line.keys.live_channel]) for _ in range(4)]
    assert left == [30, 10, 0, 0]
    assert not line.look().is_drawing


def test_a_rebuild_is_laid_in_parts(live: Live) -> None:
    watched, scripts = counting(live)
    line = Line(watched)
    crowd = names(2_000)
    laid = replace(snapshot(0), units=dict.fromkeys(crowd, 1))
    scripts.commands.clear()
    watched.load(line.sale_id, EPOCH, laid, replace=True)
    assert scripts.commands["load"] < 1_000
    assert line.units_of(crowd[0]) == line.units_of(crowd[-1]) == 1
