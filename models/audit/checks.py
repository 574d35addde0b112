"""The checks of an audit: one function per invariant, from what both stores say to a verdict with figures."""

import hashlib
from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass
from typing import Any, Final

from models.audit.gathering import MOST_ROWS, Reading


@dataclass(frozen=True, slots=True)
class Check:
    """One invariant: does it hold, by which figures, and which rows break it."""

    name: str
    ok: bool
    figures: dict[str, Any]
    rows: list[dict[str, Any]]


def _no_oversell(reading: Reading) -> Check:
    look, ledger = reading.look, reading.ledger
    figures = {
        "live": {name: look.number(name) for name in ("allocation", "available", "held", "sold")},
        "ledger": {name: ledger[name] for name in ("allocation", "held", "sold")},
        "orders": {"held": int(ledger["held_in_orders"]), "sold": int(ledger["sold_in_orders"])},
    }
    ok = (
        look.number("held") + look.number("sold") <= look.number("allocation")
        and look.number("available") >= 0
        and ledger["held"] + ledger["sold"] <= ledger["allocation"]
        and ledger["held_in_orders"] + ledger["sold_in_orders"] <= ledger["allocation"]
    )
    return Check("no_oversell", ok, figures, [])


def _conservation(reading: Reading) -> Check:
    look, ledger = reading.look, reading.ledger
    live_sum = look.number("available") + look.number("held") + look.number("sold")
    figures = {
        "live_allocation": look.number("allocation"),
        "live_sum": live_sum,
        "ledger_held": ledger["held"],
        "held_in_orders": int(ledger["held_in_orders"]),
        "ledger_sold": ledger["sold"],
        "sold_in_orders": int(ledger["sold_in_orders"]),
    }
    ok = (
        live_sum == look.number("allocation")
        and ledger["held"] == ledger["held_in_orders"]
        and ledger["sold"] == ledger["sold_in_orders"]
    )
    return Check("conservation", ok, figures, [])


def _stores_agree(reading: Reading) -> Check:
    """Free units: never more in Redis than in the ledger; equal in all when nothing is in flight."""
    look, ledger = reading.look, reading.ledger
    ledger_available = ledger["allocation"] - ledger["held"] - ledger["sold"]
    figures = {
        "epoch_live": look.fields.get("epoch"),
        "epoch_ledger": ledger["epoch"],
        "available_live": look.number("available"),
        "available_ledger": ledger_available,
        "in_flight": not reading.is_still,
        "live_side": reading.is_live,
    }
    ok = not reading.is_live or look.fields.get("epoch") == ledger["epoch"]
    if reading.is_comparable:
        names = ("allocation", "held", "sold")
        ok = ok and all(look.number(name) == ledger[name] for name in names)
    return Check("stores_agree", ok, figures, [])


def _dense_tickets(reading: Reading) -> Check:
    """Tickets in the ledger are 1, 2, 3 … up to the one being served, except those found lost.

    An intent that left the lobby has none.
    """
    look, ledger = reading.look, reading.ledger
    figures = {
        "intents": ledger["intents"],
        "last_decided_ticket": ledger["last_decided_ticket"],
        "last_ticket_in_ledger": ledger["last_ticket"],
        "lost": int(ledger.get("lost", 0)) - _lost_from(ledger, ledger["last_decided_ticket"] + 1),
        "now_serving": look.number("now_serving"),
    }
    last = max(ledger["last_ticket"], min(ledger.get("last_lost", 0), ledger["last_decided_ticket"]))
    known = ledger["intents"] + figures["lost"]
    ok = last == ledger["last_decided_ticket"] and known <= last
    if reading.is_still:
        ok = ok and known == last
    if reading.is_comparable:
        ok = ok and last == look.number("now_serving")
    return Check("dense_tickets", ok, figures, [])


def _line_is_whole(reading: Reading) -> Check:
    """Every ticket without a verdict stands in the line, as far as the ledger's mark knows."""
    look = reading.look
    undecided = look.number("last_ticket") - look.number("now_serving")
    undecided -= _lost_from(reading.ledger, look.number("now_serving") + 1)
    figures = {"line": look.line_length, "undecided": undecided, "waiting": look.number("waiting")}
    ok = look.line_length == undecided and 0 <= look.number("waiting") <= undecided
    lost, rows = _lost(reading)
    return Check("line_is_whole", ok and not lost, figures | lost, rows)


def _lost_from(ledger: Mapping[str, Any], first: int) -> int:
    """Count the lost tickets from one on: a line that was put together again lacks them."""
    return sum(max(0, end - max(start, first) + 1) for start, end in ledger.get("lost_ranges", ()))


def _lost(reading: Reading) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what a live state from before the mark has forgotten: how many intents, and which tickets.

    That is what is gone *at least*: what was accepted after the mark is in none.
    """
    look, ledger = reading.look, reading.ledger
    accepted, noted = ledger.get("accepted", 0), ledger.get("noted", 0)
    if not reading.is_live or (look.number("accepted") >= accepted and look.number("noted") >= noted):
        return {}, []
    last_ticket, last_decided = look.number("last_ticket"), ledger["last_decided_ticket"]
    figures = {
        "accepted_live": look.number("accepted"),
        "accepted_ledger": accepted,
        "noted_live": look.number("noted"),
        "noted_ledger": noted,
        "noted_at": str(ledger.get("noted_at") or ""),
        "lost_at_least": max(0, accepted - look.number("accepted") - max(0, last_decided - last_ticket)),
    }
    first, last = max(last_ticket, last_decided) + 1, ledger.get("accepted_ticket", 0)
    return figures, [{"first_ticket": first, "last_ticket": last}] if first <= last else []


def _standby_agrees(reading: Reading) -> Check:
    """The ledger and Redis have the same standby intents, and none of them could be served."""
    live, ledger, look = reading.live_people.standby, reading.ledger_people.standby, reading.look
    figures = {**_counts(reading, live, ledger), "counter": look.number("standby")}
    if not reading.is_comparable:
        return Check("standby_agrees", True, figures, [])
    rows = [{"intent_id": one} for one in sorted(live ^ ledger)[:MOST_ROWS]]
    return Check("standby_agrees", not rows and look.number("standby") == len(live), figures, rows)


def _holds_agree(reading: Reading) -> Check:
    """Every open hold of the ledger is one in Redis, of the same shopper and units."""
    live, ledger = reading.live_people.holds, reading.ledger_people.holds
    figures = {**_counts(reading, live, ledger), "counter": reading.look.number("open_holds")}
    if not reading.is_comparable:
        return Check("holds_agree", True, figures, [])
    rows = _differing(live, ledger, "hold")
    ok = not rows and reading.look.number("open_holds") == len(live)
    return Check("holds_agree", ok, figures, rows)


def _sold_agrees(reading: Reading) -> Check:
    """Every paid order of the ledger is sold in Redis, to the same shopper, with as many units."""
    live, ledger = reading.live_people.sold, reading.ledger_people.sold
    figures = {**_counts(reading, live, ledger), "counter": reading.look.number("sold")}
    if not reading.is_comparable:
        return Check("sold_agrees", True, figures, [])
    rows = _differing(live, ledger, "sold")
    units = sum(int(sold.rpartition("|")[2]) for sold in live.values())
    return Check("sold_agrees", not rows and reading.look.number("sold") == units, figures, rows)


def _counts(reading: Reading, live: Sized, ledger: Sized) -> dict[str, Any]:
    """How many there are in each store, where they were read."""
    return {"live": len(live), "ledger": len(ledger)} if reading.has_people else {}


def _differing(live: dict[str, str], ledger: dict[str, str], what: str) -> list[dict[str, Any]]:
    """Show what only one of the stores has: an intent's units, or other units or another shopper."""
    if live == ledger:
        return []
    differing = sorted(set(live.items()) ^ set(ledger.items()))
    return [{"intent_id": intent, what: units} for intent, units in differing[:MOST_ROWS]]


def _money_adds_up(reading: Reading) -> Check:
    """A paid order has one charge of its total; every other charge went back or is about to be decided."""
    money = reading.money
    ok = (
        money["charged_minor"] - money["refunded_minor"] - money["undecided_minor"]
        == money["paid_orders_minor"]
    )
    return Check("money_adds_up", ok and not reading.unpaid, dict(money), reading.unpaid)


def _limit_is_kept(reading: Reading) -> Check:
    """Nobody has more units, held, paid and waiting, than the sale allows; and both stores count the same."""
    limit, look = reading.ledger["per_shopper_limit"], reading.look
    live, ledger = reading.live_people.units, reading.ledger_people.units
    over = dict(reading.over_limit)
    if reading.is_still:
        over |= {user: units for user, units in ledger.items() if units > limit}
    figures = {"limit": limit}
    if reading.has_people:
        figures |= {"live_shoppers": len(live), "ledger_shoppers": len(ledger)}
    if reading.is_comparable and look.line_length == 0 and live != ledger:
        over |= {user: units for user, units in live.items() if ledger.get(user, 0) != units}
        over |= {user: units for user, units in ledger.items() if live.get(user, 0) != units}
    rows = [{"user_id": user, "units": units} for user, units in sorted(over.items())[:MOST_ROWS]]
    return Check("limit_is_kept", not rows, figures, rows)


def _draw_repeats(reading: Reading) -> Check:
    """The lobby stands in the order of its lots; the seed is told once it was drawn."""
    ledger = reading.ledger
    if ledger["admission_order"] != "draw" or ledger["lobby_size"] is None:
        return Check("draw_repeats", True, {"drawn": False}, [])
    lots = reading.lots
    drawn = [_lot(ledger["draw_seed"], one) for one, _ in lots]
    figures = {
        "drawn": True,
        "seed": ledger["draw_seed"],
        "seed_sha256": hashlib.sha256(ledger["draw_seed"].encode()).hexdigest(),
        "lobby": ledger["lobby_size"],
        "decided": len(lots),
    }
    rows = [
        {"ticket": lots[at][1], "intent_id": lots[at][0]}
        for at in range(1, len(lots))
        if drawn[at - 1] > drawn[at]
    ]
    return Check("draw_repeats", not rows, figures, rows[:MOST_ROWS])


def _lot(seed: str, intent_id: str) -> tuple[str, str]:
    """Compute an intent's lot: the first 13 hexadecimal digits of SHA-1(«seed:intent's id»), then the id."""
    return hashlib.sha1(f"{seed}:{intent_id}".encode()).hexdigest()[:13], intent_id  # noqa: S324


def _fifo(reading: Reading) -> Check:
    """Nobody was refused a unit that a later ticket got, and nobody waited while a later ticket got it."""
    # An intent on standby in the ledger may have been served by a claim that is in flight.
    overtaken = [row for row in reading.overtaken if reading.is_still or row["status"] != "standby"]
    figures = {"refused": len(reading.passed_over), "overtaken": len(overtaken)}
    rows = [*reading.passed_over, *overtaken]
    return Check("fifo", not rows, figures, rows[:MOST_ROWS])


def _one_order(reading: Reading) -> Check:
    """Every granted intent has its order, and no other has one."""
    return Check("one_order_a_held_intent", not reading.mismatched, {}, reading.mismatched)


def _nothing_parked(reading: Reading) -> Check:
    """No claim was given up."""
    parked = reading.look.parked
    return Check("nothing_parked", parked == 0, {"parked_claims": parked}, [])


CHECKS: Final[tuple[Callable[[Reading], Check], ...]] = (
    _no_oversell,
    _conservation,
    _stores_agree,
    _fifo,
    _dense_tickets,
    _one_order,
    _line_is_whole,
    _standby_agrees,
    _holds_agree,
    _sold_agrees,
    _money_adds_up,
    _limit_is_kept,
    _draw_repeats,
    _nothing_parked,
)

NAMES: Final = (
    "no_oversell",
    "conservation",
    "stores_agree",
    "fifo",
    "dense_tickets",
    "one_order_a_held_intent",
    "line_is_whole",
    "standby_agrees",
    "holds_agree",
    "sold_agrees",
    "money_adds_up",
    "limit_is_kept",
    "draw_repeats",
    "nothing_parked",
)
