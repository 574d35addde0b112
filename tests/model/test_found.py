"""What the machine has found once, step by step."""

import json
from typing import Any

import pytest

from tasks.intents.drain import finish_claim
from tasks.orders import holds
from tests.model.bugs import Steps
from tests.model.machine import SaleMachine
from tests.model.planting import take
from tests.model.play import World

THREE = [(0, 1, False, ""), (1, 1, False, ""), (2, 1, False, "")]
FOUND: dict[str, Steps] = {
    "a cut whose answer was lost and that is requested again is made once": (
        ("change_allocation", -1, "reply"),
        ("change_allocation", -1, ""),
    ),
    "a raise that did not arrive does not stand in the way of a cut": (
        ("change_allocation", 2, "request"),
        ("change_allocation", -5, ""),
    ),
    "who gave a hold up may ask again before its way home is noted": (
        ("submit", [(0, 3, False, "")], ""),
        ("drain",),
        ("cancel_order", 0, "reply"),
        ("submit", [(0, 3, False, "")], ""),
        ("drain",),
    ),
    "who was refused before a raise arrived was not passed over": (
        ("change_allocation", 2, "request"),
        ("submit", [(0, 3, False, "")], ""),
        ("drain",),
        ("sweep",),
        ("submit", [(1, 3, False, "")], ""),
        ("drain",),
    ),
}


@pytest.mark.parametrize("what", FOUND)
def test_what_was_found_stays_mended(world: World, what: str) -> None:
    take(world, FOUND[what], units=1 if "raise arrived" in what else 3)


def test_a_line_is_not_drawn_after_a_rebuild(world: World) -> None:
    machine = SaleMachine(world)
    machine.open_the_shop(units=1, limit=3, most_holds=0, is_drawn=True, has_lobby=True)
    steps: Steps = (("move", "open", "reply"), ("rebuild",), ("submit", THREE, ""), ("change_price", 5, ""))
    for name, *arguments in steps:
        getattr(machine, name)(*arguments)
        machine.both_stores_are_as_the_model_says()
    machine.teardown()


def test_a_late_claim_does_not_tell_what_a_later_one_decided(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = SaleMachine(world)
    machine.open_the_shop(units=1, limit=3, most_holds=0, is_drawn=False, has_lobby=False)
    steps: Steps = (
        *(("submit", THREE[:2], ""), ("claim", 1, ""), ("finish", 0), ("claim", 1, "")),
        *(("change_price", 5, ""), ("expire", {0}), ("release", ""), ("claim", 1, "")),
    )
    for name, *arguments in steps:
        getattr(machine, name)(*arguments)
    told: list[Any] = []
    monkeypatch.setattr(
        machine.stage.live, "settle", lambda *arguments, **_: told.append(json.loads(arguments[2]))
    )
    late, later = machine.hands
    for hand in (later, late):
        assert finish_claim(machine.stage.context, machine.stage.sale_id, hand.claim)
    assert [[order["unit_price"]["amount_minor"] for _, _, order in one] for one in told] == [[5], []]


def test_cancelling_a_sale_ends_all_of_its_holds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = SaleMachine(world)
    machine.open_the_shop(units=3, limit=3, most_holds=0, is_drawn=False, has_lobby=False)
    for name, *arguments in (("submit", THREE, ""), ("drain",), ("move", "cancelled", "")):
        getattr(machine, name)(*arguments)
    with monkeypatch.context() as patched:
        patched.setattr(holds, "AT_ONCE", 1)
        machine.sweep()
    machine.both_stores_are_as_the_model_says()
    machine.teardown()


def test_an_order_held_again_in_a_cancelled_sale_is_refunded(world: World) -> None:
    take(
        world,
        (
            *(("submit", THREE[:1], ""), ("drain",), ("pay", 0, "sandbox_slow:3600", "", "")),
            *(("fall_silent", 0), ("release", ""), ("hear", 1, ""), ("hear", 1, "")),
            *(("drive", 0, "dies:held_again"), ("move", "cancelled", ""), ("sweep",), ("drive", 0, "")),
        ),
    )


def test_a_claim_persisted_late_adopts_what_a_later_one_granted(world: World) -> None:
    steps: Steps = (
        *(("submit", THREE[:2], ""), ("claim", 1, ""), ("finish", 0), ("claim", 1, "")),
        *(("expire", {0}), ("release", ""), ("claim", 1, ""), ("persist", 1, True), ("persist", 0, True)),
        *(("settle", 0, ""), ("settle", 1, "")),
    )
    take(world, steps)
