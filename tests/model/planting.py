"""Plants bugs: changes a script's or a function's text, or moves a worker's step."""

import hashlib
import importlib
import inspect
import sys
from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

import pytest
from hypothesis import Phase, settings

from models.live import scripts
from models.live.records import Claim, UnitsBack
from models.live.scripts import sha_of, source_of
from models.live.store import Live
from tests.model.bugs import Bug, Steps
from tests.model.interleaver import Interleaver, Working
from tests.model.machine import SaleMachine
from tests.model.play import World
from tests.model.playing import play
from tests.model.profiles import BRIEF, run_machine
from tests.model.walker import walk

SEEDS = range(1, 61)


def plant(monkeypatch: pytest.MonkeyPatch, bug: Bug) -> None:
    """Change a function's text, or a script's for every connection made from now on."""
    module, _, name = bug.where.partition(":")
    if name:
        _plant_in_function(monkeypatch, bug, getattr(importlib.import_module(module), name))
        return
    text = _changed(source_of(bug.where), bug)
    sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    monkeypatch.setattr(scripts, "source_of", lambda verb: text if verb == bug.where else source_of(verb))
    monkeypatch.setattr(scripts, "sha_of", lambda verb: sha if verb == bug.where else sha_of(verb))


def _plant_in_function(monkeypatch: pytest.MonkeyPatch, bug: Bug, right: Callable[..., object]) -> None:
    """Put the wrong function wherever the right one is known by its name."""
    scope = dict(right.__globals__)
    exec(_changed(inspect.getsource(right), bug), scope)  # noqa: S102 - the project's own text
    name = right.__name__
    for module in list(sys.modules.values()):
        if getattr(module, "__dict__", {}).get(name) is right:
            monkeypatch.setattr(module, name, scope[name])


def _changed(text: str, bug: Bug) -> str:
    for right, wrong in bug.changes:
        assert text.count(right) == 1, (bug.where, right)
        text = text.replace(right, wrong)
    return text


def take(world: World, steps: Steps, *, units: int = 1, most_holds: int = 0, has_draw: bool = False) -> None:
    """Take these steps of the state machine, and compare with the model after each; then come to rest."""
    take_only(world, steps, units=units, most_holds=most_holds, has_draw=has_draw).teardown()


def take_only(
    world: World, steps: Steps, *, units: int = 1, most_holds: int = 0, has_draw: bool = False
) -> SaleMachine:
    """Take these steps of the state machine, and compare with the model after each.

    `has_draw`: they begin in a lobby whose order is drawn.
    """
    machine = SaleMachine(world)
    machine.open_the_shop(units=units, limit=3, most_holds=most_holds, is_drawn=has_draw, has_lobby=has_draw)
    for name, *arguments in steps:
        getattr(machine, name)(*arguments)
        machine.both_stores_are_as_the_model_says()
    return machine


def caught(act: Callable[[], object]) -> Exception | None:
    """Do something in which a bug is planted; returns what was found."""
    try:
        act()
    except Exception as error:  # noqa: BLE001 - a planted bug may show as any failure
        return error
    return None


def caught_by_the_interleaver(world: World, player: type[Interleaver] = Interleaver) -> Exception | None:
    """Play seeds until one goes wrong; returns what was found."""
    return _first_caught(lambda seed: play(world, seed, player))


def caught_by_walking(world: World) -> Exception | None:
    """Walk from seeds until one goes wrong; returns what was found."""
    return _first_caught(lambda seed: walk(world, seed))


def _first_caught(act: Callable[[int], object]) -> Exception | None:
    for seed in SEEDS:
        if error := caught(partial(act, seed)):
            return error
    return None


def caught_by_the_machine(world: World) -> Exception | None:
    """Run the state machine until an example fails; returns how."""
    return caught(lambda: run_machine(world, settings(BRIEF, phases=[Phase.generate], max_examples=60)))


class SettlesFirst(Interleaver):
    """Workers that tell the verdicts before the ledger has them."""

    def work(self) -> Working:
        while True:
            claim = self.take()
            if claim is None:
                yield "idle"
                continue
            yield "claimed"
            self.stage.live.settle(self.stage.sale_id, claim, "[]")
            yield "settled"
            self.persist(claim)
            yield "persisted"


class PopsFirst(Interleaver):
    """Workers that pop in one call and decide in a second one."""

    def work(self) -> Working:
        client, line = self.stage.live.client, self.stage.keys.line
        while True:
            ids = client.lpop(line, 2)
            yield "popped"
            if isinstance(ids, list) and ids:
                client.lpush(line, *reversed(ids))
            claim = self.take()
            if claim is None:
                yield "idle"
                continue
            self.settle(claim, self.persist(claim))
            yield "settled"


def forgetful(live: Live) -> None:
    """Make settling forget the units that the ledger did not grant."""
    right = live.settle

    def settle(
        sale_id: UUID, claim: Claim, told: bytes | str, *, units_back: Sequence[UnitsBack] = ()
    ) -> bool:
        assert units_back
        return right(sale_id, claim, told)

    live.settle = settle  # type: ignore[method-assign]
