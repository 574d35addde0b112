"""The audit's one pass says of every history what the slow definition says of it, ticket by ticket."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import TextClause, text

from models.audit.queries import OVERTAKEN, PASSED_OVER
from models.ids import new_intent_id
from tests.support.audit_definition import OVERTAKEN_AS_SAID, PASSED_OVER_AS_SAID
from tests.support.shop import SaleUnderTest, Shop

MOST: Final = 3  # rows shown, fewer than a bad history has
BEGAN: Final = datetime(2026, 1, 1, tzinfo=UTC)
PROFILE: Final = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
Row = dict[str, Any]

# Half milliseconds, few: so that many things happen at one time, or nearly.
TIMES = st.integers(0, 8).map(lambda halves: BEGAN + timedelta(microseconds=500 * halves))
UNITS = st.integers(1, 3)


@st.composite
def tickets(draw: st.DrawFn) -> Row:
    """One ticket with its verdict, its order if there is one, and the order's refund if there was one."""
    outcome = draw(
        st.sampled_from(("held", "held", "refunded", "sold_out", "sold_out", "ended", "left", "standby"))
    )
    is_granted = outcome in ("held", "refunded")
    return {
        "quantity": draw(UNITS),
        "fewer": draw(st.booleans()),
        "status": {"refunded": "held", "ended": "sold_out"}.get(outcome, outcome),
        "reason": "sale_ended" if outcome == "ended" else None,
        "decided": None if outcome == "standby" else draw(TIMES),
        "units": draw(UNITS) if is_granted else None,
        "order": "refunded" if outcome == "refunded" else "paid",
        "refunded": draw(TIMES) if outcome == "refunded" else None,
        "released": draw(st.none() | TIMES) if outcome == "refunded" else None,
    }


@st.composite
def raises(draw: st.DrawFn) -> Row:
    """One raise or cut of the allocation, however far it got."""
    state = draw(st.sampled_from(("pending", "applied", "applied", "refused")))
    return {
        "units": draw(st.sampled_from((-1, 2, 2))),
        "state": state,
        "created": draw(TIMES),
        "finished": None if state == "pending" else draw(TIMES),
    }


HISTORIES = st.tuples(st.lists(tickets(), min_size=2, max_size=9), st.lists(raises(), max_size=3))

FORGET: Final = (
    "DELETE FROM adjustments WHERE sale_id = :sale_id",
    "DELETE FROM orders WHERE sale_id = :sale_id",
    "DELETE FROM intents WHERE sale_id = :sale_id",
)
INTENT: Final = """
    INSERT INTO intents (id, sale_id, user_id, ticket, quantity, accept_fewer, status, reason, submitted_at,
                         decided_at)
    VALUES (:id, :sale_id, :user, :ticket, :quantity, :fewer, :status, :reason, now(), :decided)
"""
ORDER: Final = """
    INSERT INTO orders (id, intent_id, sale_id, user_id, quantity, unit_price_minor, currency, status,
                        expires_at, created_at, paid_at, receipt_number, refunded_at, released_at)
    VALUES (gen_random_uuid(), :id, :sale_id, :user, :units, 1, 'USD', :order, now(), now(), now(), :receipt,
            :refunded, :released)
"""
ADJUSTMENT: Final = """
    INSERT INTO adjustments (id, sale_id, units, state, created_at, finished_at)
    VALUES (gen_random_uuid(), :sale_id, :units, :state, :created, :finished)
"""


def write(sale: SaleUnderTest, user: UUID, history: tuple[list[Row], list[Row]]) -> None:
    """Let the sale's past be this history and nothing else."""
    decided, adjusted = history
    rows = [
        {
            **row,
            "id": new_intent_id(1),
            "sale_id": sale.id,
            "user": user,
            "ticket": at,
            "receipt": uuid.uuid4().hex[:20],
        }
        for at, row in enumerate(decided, start=1)
    ]
    with sale.context.database.connection() as connection:
        for forget in FORGET:
            connection.execute(text(forget), {"sale_id": sale.id})
        connection.execute(text(INTENT), rows)
        for statement, some in (
            (ORDER, [row for row in rows if row["units"]]),
            (ADJUSTMENT, [{**row, "sale_id": sale.id} for row in adjusted]),
        ):
            if some:
                connection.execute(text(statement), some)


def ask(sale: SaleUnderTest, question: TextClause) -> list[tuple[Any, ...]]:
    with sale.context.database.connection() as connection:
        return [tuple(row) for row in connection.execute(question, {"sale_id": sale.id, "most": MOST})]


def test_the_audit_asks_of_order_what_its_definition_says(shop: Shop) -> None:
    sale, user = shop.scheduled_sale(), shop.shopper()
    found = {"passed over": 0, "overtaken": 0, "in order": 0}

    @PROFILE
    @given(HISTORIES)
    def is_the_same(history: tuple[list[Row], list[Row]]) -> None:
        write(sale, user, history)
        passed_over, overtaken = ask(sale, PASSED_OVER), ask(sale, OVERTAKEN)
        assert passed_over == ask(sale, PASSED_OVER_AS_SAID)
        assert overtaken == ask(sale, OVERTAKEN_AS_SAID)
        found["passed over"] += bool(passed_over)
        found["overtaken"] += bool(overtaken)
        found["in order"] += not passed_over and not overtaken

    is_the_same()
    assert min(found.values()) > 8, f"too few histories of a kind to have proved anything: {found}"
