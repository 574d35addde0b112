"""After the faults: heals, waits until all is decided and settled, reads what is stored."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from benchmarks.client.admin_api import Shop
from benchmarks.client.http_wire import Target
from benchmarks.verify.testimony import FINAL
from tests.chaos.history import Recorder
from tests.chaos.ledger import is_settled, read_money
from tests.chaos.platform import SoakedPlatform
from tests.chaos.story import Request
from tests.chaos.truth import StoredSale, Truth

DECIDED_S: Final = 15.0  # after the healing; later is counted
DEADLINE_S: Final = 60.0
POLL_S: Final = 0.25


def heal(platform: SoakedPlatform, recorder: Recorder, sales: Sequence[str]) -> Shop:
    """Let everybody go on and everything come up; no sale stays paused.

    Raises:
        CannotMeasure: it does not come up.
    """
    platform.resume_all()
    platform.stores.mend_all()
    shop = platform.admin(patience_s=DEADLINE_S)
    shop.wait_until_ready()
    for sale in sales:
        if shop.expect(200, "GET", f"/api/v1/sales/{sale}")["status"] == "paused":
            shop.move_sale(sale, "resume")
    recorder.note("mark", name="healed")
    return shop


def settle(
    platform: SoakedPlatform,
    recorder: Recorder,
    sales: Sequence[str],
    requests: Sequence[Request],
    tokens: dict[str, str],
) -> Truth:
    """Heal, and read the truth once nothing moves any more, or the deadline is over."""
    shop = heal(platform, recorder, sales)
    began = time.monotonic()
    accepted = {intent for request in requests for intent in request.intents}
    counts = [len(_undecided(shop, sales, accepted))]
    late = 0

    def is_decided() -> bool:
        nonlocal late
        left = len(_undecided(shop, sales, accepted))
        late = left if time.monotonic() - began > DECIDED_S else 0
        return left == 0

    decided_s = _wait(is_decided, began)
    recorder.note("mark", name="decided", seconds=decided_s)
    database = platform.database()
    settled_s = _wait(lambda: is_settled(database), began)
    recorder.note("mark", name="settled", seconds=settled_s)
    for sale in sales:
        shop.move_sale(sale, "end")
    quiet_s = _wait(lambda: all(_is_quiet(shop, sale) for sale in sales), time.monotonic())
    recorder.note("mark", name="quiet", seconds=quiet_s)
    stored = {sale: _read(platform.target, shop, sale, requests, tokens) for sale in sales}
    money = read_money(database)
    database.dispose()
    return Truth(stored, money, counts[0], late, decided_s, quiet_s, settled_s)


def _wait(is_done: Callable[[], bool], began: float) -> float | None:
    """Poll; the seconds that it took, or None."""
    while not is_done():
        if time.monotonic() - began > DEADLINE_S:
            return None
        time.sleep(POLL_S)
    return round(time.monotonic() - began, 2)


def _undecided(shop: Shop, sales: Sequence[str], accepted: set[str]) -> set[str]:
    decided = {
        row["id"]
        for sale in sales
        for row in shop.rows(f"/api/v1/intents?sale_id={sale}")
        if row["status"] in FINAL or row["status"] == "standby"
    }
    return accepted - decided


def _is_quiet(shop: Shop, sale: str) -> bool:
    said = shop.expect(200, "GET", f"/api/v1/sales/{sale}")
    if said["held"] or said["queue"]["waiting"] or said["queue"]["standby"]:
        return False
    status, audit = shop.call("GET", f"/api/v1/sales/{sale}/audit")
    return status == 200 and not audit["in_flight"]


def _read(
    target: Target, shop: Shop, sale: str, requests: Sequence[Request], tokens: dict[str, str]
) -> StoredSale:
    doubtful = {request.who for request in requests if request.sale == sale and not request.accepted}
    status, audit = shop.call("GET", f"/api/v1/sales/{sale}/audit")
    return StoredSale(
        sale=shop.expect(200, "GET", f"/api/v1/sales/{sale}"),
        intents=list(shop.rows(f"/api/v1/intents?sale_id={sale}")),
        orders=list(shop.rows(f"/api/v1/orders?sale_id={sale}")),
        audit=audit if status == 200 else None,
        owners={who: _own_intents(target, tokens[who], sale) for who in sorted(doubtful)},
    )


def _own_intents(target: Target, token: str, sale: str) -> list[str]:
    shop = Shop(target, patience_s=DEADLINE_S, token=token)
    return [row["id"] for row in shop.rows(f"/api/v1/intents?sale_id={sale}")]
