"""The figures of running sales: each of them, and all together."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from models.enums import SaleStatus
from models.live.figures import SaleFigures
from tasks.figures.text import family, gauge

Figure = Callable[[SaleFigures], float]


def _counter(name: str) -> Figure:
    return lambda one: one.number(name)


def _is_open(one: SaleFigures) -> bool:
    return one.fields["status"] == SaleStatus.OPEN


EACH: Final[Sequence[tuple[str, str, str, Figure]]] = (  # kind, name, what it is, how it is read
    ("gauge", "sale_available", "Units that are free", _counter("available")),
    ("gauge", "sale_held", "Units that are held and not paid", _counter("held")),
    ("gauge", "sale_sold", "Units that are paid", _counter("sold")),
    ("gauge", "sale_waiting", "Shoppers in line", _counter("waiting")),
    ("gauge", "sale_standby", "Shoppers on standby", _counter("standby")),
    ("gauge", "sale_open_holds", "Holds that are not paid", _counter("open_holds")),
    ("gauge", "sale_is_open", "Whether it is open: 0 while it is paused", _is_open),
    ("gauge", "sale_is_held_back", "Whether a pace or its open holds may keep its line waiting on purpose",
     lambda one: one.is_held_back),
    ("gauge", "sale_head_age_seconds", "For how long the head of the line has waited",
     lambda one: one.head_s),
    ("gauge", "sale_claims", "Claims that are not settled", lambda one: one.claims - one.parked),
    ("gauge", "sale_claims_parked", "Claims that were given up until somebody looks", lambda one: one.parked),
    ("gauge", "sale_oldest_claim_seconds", "Age of the oldest claim that is not settled",
     lambda one: one.oldest_claim_s),
    ("counter", "sale_tickets_total", "Tickets given", _counter("last_ticket")),
    ("counter", "sale_served_total", "The last ticket that was decided", _counter("now_serving")),
)  # fmt: skip
SUMS: Final = ("waiting", "standby", "open_holds", "held")


def sales_page(sales: Sequence[SaleFigures], now_ms: int) -> Iterator[str]:
    """Write the figures of each sale, and of all."""
    for kind, name, says, read in EACH:
        yield _each(kind, name, says, sales, read)
    audited = [one for one in sales if one.fields["audit_ok"]]
    ok, says = _counter("audit_ok"), "Whether the last audit found every invariant kept"
    yield _each("gauge", "sale_audit_ok", says, audited, ok)
    says = "For how long it has not been known whether the last audit still holds"
    yield _each("gauge", "sale_audit_age_seconds", says, audited, lambda one: _age_s(one, now_ms))
    yield from _sums(sales)


def _each(kind: str, name: str, says: str, sales: Sequence[SaleFigures], read: Figure) -> str:
    return family(kind, name, says, ["sale"], [((str(one.sale_id),), read(one)) for one in sales])


def _age_s(one: SaleFigures, now_ms: int) -> float:
    return max(now_ms - one.number("audited_ms"), 0) / 1000


def _sums(sales: Sequence[SaleFigures]) -> Iterator[str]:
    status = [((word,), sum(one.fields["status"] == word for one in sales)) for word in ("open", "paused")]
    yield family("gauge", "sales_running", "Sales that are open or paused", ["status"], status)
    for name in SUMS:
        says = f"Sum of sale_{name} of all running sales"
        yield gauge(f"sales_{name}", says, sum(one.number(name) for one in sales))
    heads = [one.head_s for one in sales if _is_open(one) and not one.is_held_back]
    says = "The longest that the head of an open line has waited where nothing holds it back"
    yield gauge("sales_head_age_seconds", says, max(heads, default=0))
    claims, parked = sum(one.claims for one in sales), sum(one.parked for one in sales)
    yield gauge("sales_claims", "Claims of all running sales that are not settled", claims - parked)
    yield gauge("sales_claims_parked", "Claims of all running sales that were given up", parked)
    oldest_s = max((one.oldest_claim_s for one in sales), default=0)
    yield gauge("sales_oldest_claim_seconds", "Age of the oldest claim of all running sales", oldest_s)
