"""The checks of an audit, each on a reading in which one thing is wrong: that check fails, and no other."""

import hashlib
import uuid
from dataclasses import replace
from typing import Any, Final

import pytest

from models.audit.checks import CHECKS
from models.audit.gathering import MOST_ROWS, People, Reading
from models.live.records import Look

SEED: Final = "5eed"


def lot(one: str) -> str:
    return hashlib.sha1(f"{SEED}:{one}".encode()).hexdigest()  # noqa: S324 - what a draw sorts by


LOBBY: Final = sorted((f"intent-{number}" for number in range(4)), key=lot)
STATE: Final = {
    "epoch": "e1",
    "allocation": 10,
    "available": 4,
    "held": 3,
    "sold": 3,
    "open_holds": 2,
    "standby": 1,
    "waiting": 1,
    "last_ticket": 9,
    "now_serving": 7,
}
LEDGER: Final[dict[str, Any]] = {
    "epoch": "e1",
    "allocation": 10,
    "held": 3,
    "sold": 3,
    "held_in_orders": 3,
    "sold_in_orders": 3,
    "intents": 7,
    "last_ticket": 7,
    "last_decided_ticket": 7,
    "per_shopper_limit": 3,
    "admission_order": "draw",
    "lobby_size": 4,
    "draw_seed": SEED,
}
MONEY: Final = {"charged_minor": 9, "refunded_minor": 2, "undecided_minor": 1, "paid_orders_minor": 6}
HOLDS: Final = {"a": "ann|2", "b": "bob|1"}
SOLD: Final = {"c": "cid|3"}
UNITS: Final = {"ann": 2, "bob": 1, "cid": 3, "dan": 1}


def look_of(line_length: int = 2, parked: int = 0, **fields: object) -> Look:
    told = {name: str(value) for name, value in {**STATE, **fields}.items() if value is not None}
    return Look(uuid.uuid4(), 1, line_length, 0, 0, parked, told)


def reading(*, look: Look | None = None, still: bool = True, ledger: Any = None, **more: Any) -> Reading:
    """A reading in order, but for what is told."""
    people = People(frozenset({"d"}), dict(HOLDS), dict(SOLD), dict(UNITS))
    whole = Reading(
        look=look or look_of(),
        ledger={**LEDGER, **(ledger or {})},
        passed_over=[],
        overtaken=[],
        mismatched=[],
        money=MONEY,
        unpaid=[],
        over_limit={},
        has_people=True,
        ledger_people=people,
        live_people=people,
        lots=[(one, ticket) for ticket, one in enumerate(LOBBY, start=1)],
        is_still=still,
    )
    return replace(whole, **more)


def people(**more: Any) -> People:
    whole = People(frozenset({"d"}), dict(HOLDS), dict(SOLD), dict(UNITS))
    return replace(whole, **more)


def failed(one: Reading) -> set[str]:
    return {check.name for check in (ask(one) for ask in CHECKS) if not check.ok}


NO_LINE: Final = {"line_length": 0, "last_ticket": 7, "waiting": 0}
ROW: Final = [{"ticket": 3}]
WRONG: Final[dict[str, tuple[set[str], dict[str, Any]]]] = {
    "more held and sold than there is": (
        {"no_oversell"},
        {"look": look_of(held=5, sold=6, available=-1), "still": False},
    ),
    "more free than there is": ({"no_oversell", "conservation"}, {"look": look_of(held=8), "still": False}),
    "fewer than nothing free": (
        {"no_oversell", "conservation"},
        {"look": look_of(available=-1), "still": False},
    ),
    "the ledger has more": (
        {"no_oversell"},
        {"ledger": {"held": 8, "held_in_orders": 3, "allocation": 10}, "still": False, "only": "no_oversell"},
    ),
    "orders have more": (
        {"no_oversell"},
        {"ledger": {"held_in_orders": 8}, "still": False, "only": "no_oversell"},
    ),
    "live units lost": ({"conservation"}, {"look": look_of(available=3), "still": False}),
    "held unlike its orders": ({"conservation"}, {"ledger": {"held_in_orders": 2}}),
    "sold unlike its orders": ({"conservation"}, {"ledger": {"sold_in_orders": 2}}),
    "another epoch": ({"stores_agree"}, {"look": look_of(epoch="e0"), "still": False}),
    "no live state": ({"stores_agree"}, {"look": look_of(epoch=None), "still": False}),
    "another allocation": ({"stores_agree"}, {"look": look_of(allocation=11, available=5)}),
    "another number held": ({"stores_agree"}, {"look": look_of(held=2, available=5)}),
    "another number sold": (
        {"stores_agree"},
        {
            "look": look_of(sold=2, available=5),
            "live_people": people(sold={"c": "cid|2"}),
            "ledger_people": people(sold={"c": "cid|2"}),
        },
    ),
    "somebody refused": ({"fifo"}, {"passed_over": ROW}),
    "somebody overtaken": ({"fifo"}, {"overtaken": [{"ticket": 3, "status": "held"}], "still": False}),
    "somebody on standby overtaken": ({"fifo"}, {"overtaken": [{"ticket": 3, "status": "standby"}]}),
    "a high-water mark too low": ({"dense_tickets"}, {"ledger": {"last_decided_ticket": 6}, "still": False}),
    "more intents than tickets": ({"dense_tickets"}, {"ledger": {"intents": 8}, "still": False}),
    "fewer intents than tickets": ({"dense_tickets"}, {"ledger": {"intents": 6}}),
    "another ticket served": (
        {"dense_tickets"},
        {"look": look_of(now_serving=8, last_ticket=10)},
    ),
    "an order without a verdict": ({"one_order_a_held_intent"}, {"mismatched": ROW}),
    "a line too short": ({"line_is_whole"}, {"look": look_of(line_length=1), "still": False}),
    "a line too long": ({"line_is_whole"}, {"look": look_of(line_length=3), "still": False}),
    "more waiting than in line": ({"line_is_whole"}, {"look": look_of(waiting=3), "still": False}),
    "fewer than nobody waiting": ({"line_is_whole"}, {"look": look_of(waiting=-1), "still": False}),
    "another on standby": ({"standby_agrees"}, {"live_people": people(standby=frozenset({"e"}))}),
    "standby miscounted": ({"standby_agrees"}, {"look": look_of(standby=2)}),
    "another hold": ({"holds_agree"}, {"live_people": people(holds={"a": "ann|2", "x": "bob|1"})}),
    "a hold of another": ({"holds_agree"}, {"live_people": people(holds={"a": "ann|2", "b": "eve|1"})}),
    "holds miscounted": ({"holds_agree"}, {"look": look_of(open_holds=3)}),
    "sold to another": ({"sold_agrees"}, {"live_people": people(sold={"c": "eve|3"})}),
    "sold otherwise in both": (
        {"sold_agrees"},
        {"live_people": people(sold={"c": "cid|2"}), "ledger_people": people(sold={"c": "cid|2"})},
    ),
    "a sum of money": ({"money_adds_up"}, {"money": {**MONEY, "charged_minor": 10}, "still": False}),
    "a sum given back": ({"money_adds_up"}, {"money": {**MONEY, "refunded_minor": 3}, "still": False}),
    "a sum undecided": ({"money_adds_up"}, {"money": {**MONEY, "undecided_minor": 0}, "still": False}),
    "an order's money": ({"money_adds_up"}, {"unpaid": [{"id": "o"}], "still": False}),
    "a shopper with too many": (
        {"limit_is_kept"},
        {"over_limit": {"ann": 4}, "still": False},
    ),
    "a shopper who waits for too many": (
        {"limit_is_kept"},
        {"ledger_people": people(units={**UNITS, "dan": 4})},
    ),
    "a shopper known to Redis alone": (
        {"limit_is_kept"},
        {"look": look_of(**NO_LINE), "live_people": people(units={**UNITS, "eve": 1})},
    ),
    "a shopper known to the ledger alone": (
        {"limit_is_kept"},
        {"look": look_of(**NO_LINE), "ledger_people": people(units={**UNITS, "eve": 1})},
    ),
    "a lobby in another order": (
        {"draw_repeats"},
        {"lots": [(one, at) for at, one in enumerate([LOBBY[1], LOBBY[0], *LOBBY[2:]])], "still": False},
    ),
    "a claim given up": ({"nothing_parked"}, {"look": look_of(parked=1), "still": False}),
}


def test_a_reading_in_order_passes_every_check() -> None:
    assert (
        failed(reading()) == failed(reading(look=look_of(**NO_LINE))) == failed(reading(still=False)) == set()
    )
    assert len({ask(reading()).name for ask in CHECKS}) == len(CHECKS) == 14


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_found_by_its_check_and_by_no_other(what: str) -> None:
    names, more = WRONG[what]
    more = dict(more)
    only = more.pop("only", None)
    found = failed(reading(**more))
    assert (found & {only} if only else found) == names


AT_REST_ONLY: Final = (
    "another allocation",
    "another number held",
    "somebody on standby overtaken",
    "fewer intents than tickets",
    "another ticket served",
    "another on standby",
    "standby miscounted",
    "another hold",
    "holds miscounted",
    "sold to another",
    "sold otherwise in both",
    "a shopper who waits for too many",
    "a shopper known to Redis alone",
    "a shopper known to the ledger alone",
)


@pytest.mark.parametrize("what", AT_REST_ONLY)
def test_what_need_not_agree_in_flight_is_asked_at_rest_only(what: str) -> None:
    assert failed(reading(**WRONG[what][1], still=False)) == set()


BETWEEN_STORES: Final = (
    "another allocation",
    "another number held",
    "another epoch",
    "no live state",
    "another ticket served",
    "another on standby",
    "standby miscounted",
    "another hold",
    "holds miscounted",
    "sold to another",
    "a shopper known to Redis alone",
    "a shopper known to the ledger alone",
)


@pytest.mark.parametrize("what", BETWEEN_STORES)
def test_a_sale_without_a_live_side_is_not_compared_with_it(what: str) -> None:
    more = {**WRONG[what][1], "still": True, "ledger": {"epoch": None}}
    assert failed(reading(**more)) == set()


def test_units_of_who_stands_in_line_are_in_redis_alone() -> None:
    in_line = people(units={**UNITS, "eve": 1})
    assert failed(reading(live_people=in_line)) == set()


def test_a_draw_that_was_not_held_yet_is_not_repeated() -> None:
    swapped = [(one, at) for at, one in enumerate(reversed(LOBBY))]
    for ledger in ({"lobby_size": None}, {"admission_order": "fifo"}):
        assert failed(reading(lots=swapped, ledger=ledger)) == set()


def test_a_check_tells_some_rows_and_not_all() -> None:
    many = {f"x{number}": "eve|1" for number in range(3 * MOST_ROWS)}
    found = [ask(reading(live_people=people(holds=many))) for ask in CHECKS]
    [holds] = [check for check in found if check.name == "holds_agree"]
    assert len(holds.rows) == MOST_ROWS
    assert holds.rows[0] == {"intent_id": "a", "hold": "ann|2"}
