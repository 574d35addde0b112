"""Owns the questions that an audit asks of the ledger, each bound to one sale."""

from typing import Final

from sqlalchemy import text

SALE: Final = text("""
    SELECT s.allocation, s.held, s.sold, s.status, s.epoch, s.revision, s.last_decided_ticket,
           s.per_shopper_limit, s.admission_order, s.draw_seed, s.lobby_size,
           (SELECT count(*) FROM orders WHERE sale_id = s.id AND released_at IS NULL
            AND status IN ('expired', 'cancelled', 'paid', 'refunded')) AS unreleased,
           (SELECT count(*) FROM payments p JOIN orders o ON o.id = p.order_id
            LEFT JOIN refunds r ON r.payment_id = p.id
            WHERE o.sale_id = s.id AND p.status = 'late' AND r.id IS NULL) AS undecided,
           coalesce((SELECT sum(quantity) FROM orders WHERE sale_id = s.id
                     AND status IN ('held', 'paying')), 0) AS held_in_orders,
           coalesce((SELECT sum(quantity) FROM orders WHERE sale_id = s.id AND status = 'paid'), 0)
               AS sold_in_orders,
           (SELECT count(*) FROM intents WHERE sale_id = s.id) AS intents,
           coalesce((SELECT max(ticket) FROM intents WHERE sale_id = s.id), 0) AS last_ticket,
           (SELECT count(*) FROM adjustments WHERE sale_id = s.id AND state = 'pending') AS adjusting
    FROM sales s WHERE s.id = :sale_id
""")

# A ticket that was refused although a later one got as much as it had asked for. Units that a raise or a
# refund brought after the refusal are no such case: a refusal is held against what was granted out of those
# that had surely arrived by then (`done`), and a grant may be out of any that had begun (`begun`). A
# verdict's time is cut to the millisecond.
PASSED_OVER: Final = text("""
    WITH brought AS (
        SELECT created_at AS begun_at, CASE WHEN state = 'applied' THEN finished_at END AS done_at
        FROM adjustments WHERE sale_id = :sale_id AND units > 0 AND state <> 'refused'
        UNION ALL
        SELECT refunded_at, released_at FROM orders WHERE sale_id = :sale_id AND status = 'refunded'
    ), decided AS (
        SELECT i.ticket, CASE WHEN i.accept_fewer THEN 1 ELSE i.quantity END AS need,
               i.status = 'sold_out' AND i.reason IS NULL AS refused, coalesce(o.quantity, 0) AS granted,
               (SELECT count(*) FROM brought b WHERE b.begun_at <= i.decided_at + interval '1 ms') AS begun,
               (SELECT count(*) FROM brought b WHERE b.done_at <= i.decided_at) AS done
        FROM intents i LEFT JOIN orders o ON o.intent_id = i.id WHERE i.sale_id = :sale_id
    ), worlds AS (
        SELECT DISTINCT done AS world FROM decided
    ), compared AS (
        SELECT world, done, ticket, need, refused,
               max(granted) OVER (PARTITION BY world ORDER BY ticket DESC
                                  ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS later_granted
        FROM worlds JOIN decided ON begun <= world OR (refused AND done = world)
    )
    SELECT ticket, need, later_granted FROM compared
    WHERE refused AND done = world AND later_granted >= need
    ORDER BY ticket LIMIT :most
""")

# A ticket that waited, or waits, while a later one got as much as would have done for it.
OVERTAKEN: Final = text("""
    WITH decided AS (
        SELECT i.ticket, CASE WHEN i.accept_fewer THEN 1 ELSE i.quantity END AS need, i.status,
               coalesce(i.decided_at, 'infinity') AS decided_at, coalesce(o.quantity, 0) AS granted
        FROM intents i LEFT JOIN orders o ON o.intent_id = i.id WHERE i.sale_id = :sale_id
    ), needs AS (
        SELECT DISTINCT need AS enough FROM decided
    ), compared AS (
        SELECT enough, ticket, need, status, decided_at,
               min(decided_at) FILTER (WHERE granted >= enough)
                   OVER (PARTITION BY enough ORDER BY ticket DESC
                         ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS later_granted_at
        FROM needs CROSS JOIN decided
    )
    SELECT ticket, need, status, later_granted_at FROM compared
    WHERE need = enough AND status <> 'left' AND later_granted_at < decided_at
    ORDER BY ticket LIMIT :most
""")

WAITING: Final = text("SELECT id FROM intents WHERE sale_id = :sale_id AND status = 'standby'")

HOLDS: Final = text("""
    SELECT intent_id, user_id, quantity FROM orders
    WHERE sale_id = :sale_id AND (status IN ('held', 'paying')
          OR (status IN ('expired', 'cancelled') AND released_at IS NULL))
""")

SOLD: Final = text(
    "SELECT intent_id, user_id, quantity FROM orders WHERE sale_id = :sale_id AND status = 'paid'"
)

# Payments beside the orders that they pay for: sums, and the orders that break the rules. All of it changes
# in single transactions.
MONEY: Final = text("""
    WITH money AS (
        SELECT o.id, o.status, o.quantity * o.unit_price_minor AS total, o.receipt_number,
               r.total_minor AS receipted,
               coalesce(sum(p.amount_minor) FILTER (WHERE p.status = 'succeeded'), 0) AS kept,
               count(p.id) FILTER (WHERE p.status = 'succeeded') AS keeping,
               coalesce(sum(p.amount_minor) FILTER (WHERE p.status = 'refunded'), 0) AS given_back,
               count(p.id) FILTER (WHERE p.status = 'refunded') AS giving_back,
               count(f.id) FILTER (WHERE p.status = 'refunded' AND f.status = 'succeeded'
                                   AND f.amount_minor = p.amount_minor) AS refunds,
               coalesce(sum(p.amount_minor) FILTER (WHERE p.status = 'late'), 0) AS undecided
        FROM orders o LEFT JOIN payments p ON p.order_id = o.id LEFT JOIN refunds f ON f.payment_id = p.id
        LEFT JOIN receipts r ON r.order_id = o.id
        WHERE o.sale_id = :sale_id GROUP BY o.id, r.order_id
    ), broken AS (
        SELECT id, status, total, kept, given_back FROM money
        WHERE (status = 'paid') <> (keeping = 1) OR keeping > 1
              OR kept <> (CASE status WHEN 'paid' THEN total ELSE 0 END)
              OR (status = 'refunded' AND giving_back = 0) OR giving_back <> refunds
              OR (receipt_number IS NOT NULL) <> (receipted IS NOT NULL) OR receipted <> total
        LIMIT :most
    )
    SELECT coalesce(sum(kept + given_back + undecided), 0) AS charged_minor,
           coalesce(sum(given_back), 0) AS refunded_minor,
           coalesce(sum(undecided), 0) AS undecided_minor,
           coalesce(sum(total) FILTER (WHERE status = 'paid'), 0) AS paid_orders_minor,
           (SELECT coalesce(jsonb_agg(broken), '[]') FROM broken) AS broken
    FROM money
""")

# `owned` is what the limit is held against at every instant; who stands by may have left on the live side
# already and asked anew, so that waiting units are counted only while nothing is in flight. An order that
# has ended is owned no more, whether or not its way home is noted.
UNITS: Final = text("""
    SELECT user_id, sum(units) AS units, coalesce(sum(units) FILTER (WHERE is_owned), 0) AS owned FROM (
        SELECT user_id, quantity AS units, true AS is_owned FROM orders
        WHERE sale_id = :sale_id AND status IN ('held', 'paying', 'paid')
        UNION ALL
        SELECT user_id, quantity, false FROM intents WHERE sale_id = :sale_id AND status = 'standby'
    ) AS all_units GROUP BY user_id
""")

LOTS: Final = text("""
    SELECT id, ticket FROM intents WHERE sale_id = :sale_id AND ticket <= :lobby ORDER BY ticket
""")

MISMATCHED: Final = text("""
    SELECT i.id, i.ticket, i.status, o.id AS order_id
    FROM intents i LEFT JOIN orders o ON o.intent_id = i.id
    WHERE i.sale_id = :sale_id AND (i.status = 'held') <> (o.id IS NOT NULL)
    ORDER BY i.ticket LIMIT :most
""")
