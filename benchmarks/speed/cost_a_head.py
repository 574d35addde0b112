"""The measurement of what a shopper costs Redis: CPU of the server and its memory.

In batches as the intake and the workers make them when they are busy, without the ledger.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from benchmarks.speed.over_http import Note
from benchmarks.speed.workbench import Place
from benchmarks.speed.workload import fill_line, open_sale
from models.live.records import Decision
from models.tables.catalogue import Sale

SUBMITTED_AT_ONCE: Final = 250
PAID_AT_ONCE: Final = 50
TOLD_BYTES: Final = 400  # of a verdict


def measure_heads(place: Place, users: Sequence[str], note: Note) -> None:
    """Have everybody come, win and pay; and come to another sale, and stand by."""
    live, epoch_of = place.context.live, place.context.sale_cache.by_id
    place.clear()

    def measure(step: str, work: Callable[[], Any]) -> Any:
        cpu_s, memory = _spent(place)
        done = work()
        cpu_s_after, memory_after = _spent(place)
        note(f"{step}, CPU", "µs/shopper", (cpu_s_after - cpu_s) * 1e6 / len(users))
        note(f"{step}, memory", "bytes/shopper", (memory_after - memory) / len(users))
        return done

    def pay(decisions: Sequence[Decision]) -> None:
        epoch = epoch_of(wins.id).epoch
        for at in range(0, len(decisions), PAID_AT_ONCE):
            paid = [one.intent_id for one in decisions[at : at + PAID_AT_ONCE]]
            live.sell(wins.id, epoch, paid, "[]")

    wins, waits = open_sale(place, units=len(users)), open_sale(place, units=1)
    measure("comes", lambda: fill_line(place, wins, users, at_once=SUBMITTED_AT_ONCE))
    held = measure("is held, and told", lambda: _drain(place, wins))
    measure("pays", lambda: pay(held))
    measure("comes to another sale", lambda: fill_line(place, waits, users, at_once=SUBMITTED_AT_ONCE))
    measure("stands by, and is told", lambda: _drain(place, waits))


def _drain(place: Place, sale: Sale) -> list[Decision]:
    """Claim and settle all that there is, with as many bytes told as real verdicts are."""
    live, decisions = place.context.live, list[Decision]()
    while (claim := live.claim(sale.id, place.context.settings.claim_size).claim) is not None:
        live.settle(sale.id, claim, "x" * TOLD_BYTES * len(claim.decisions))
        decisions += claim.decisions
    return decisions


def _spent(place: Place) -> tuple[float, float]:
    """The server's own account of its seconds of CPU and its bytes of memory so far."""
    said = cast(dict[str, float], place.context.live.client.info())
    return said["used_cpu_user"] + said["used_cpu_sys"], said["used_memory"]
