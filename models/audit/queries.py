"""Owns the questions that an audit asks of the ledger, each bound to one sale."""

from typing import Final

from sqlalchemy import text

SALE: Final = text("""
    SELECT s.allocation, s.held, s.sold, s.status, s.epoch, s.revision, s.last_decided_ticket,
           s.per_shopper_limit, s.admission_order, s.draw_seed, s.lobby_size,
           (SELECT count(*) FROM orders WHERE sale_id = s.id AND released_at IS NULL
            AND status IN ('expired', 'cancelled')) AS unreleased,
           coalesce((SELECT sum(quantity) FROM orders WHERE sale_id = s.id
                     AND status IN ('held', 'paying')), 0) AS held_in_orders,
           coalesce((SELECT sum(quantity) FROM orders WHERE sale_id = s.id AND status = 'paid'), 0)
               AS sold_in_orders,
           (SELECT count(*) FROM intents WHERE sale_id = s.id) AS intents,
           coalesce((SELECT max(ticket) FROM intents WHERE sale_id = s.id), 0) AS last_ticket,
           (SELECT count(*) FROM adjustments WHERE sale_id = s.id AND state = 'pending') AS adjusting
    FROM sales s WHERE s.id = :sale_id
""")

# A ticket that was refused although a later one got as much as it had asked for. Units that a raise
# brought after the refusal are no such case: a refusal is held against what was granted out of the raises
# that had surely arrived by then (`done`), and a grant may be out of any that had begun (`begun`). A
# verdict's time is cut to the millisecond.
PASSED_OVER: Final = text("""
    WITH decided AS (
        SELECT i.ticket, CASE WHEN i.accept_fewer THEN 1 ELSE i.quantity END AS need,
               i.status = 'sold_out' AND i.reason IS NULL AS refused, coalesce(o.quantity, 0) AS granted,
               (SELECT count(*) FROM adjustments a WHERE a.sale_id = i.sale_id AND a.units > 0
                AND a.state <> 'refused' AND a.created_at <= i.decided_at + interval '1 ms') AS begun,
               (SELECT count(*) FROM adjustments a WHERE a.sale_id = i.sale_id AND a.units > 0
                AND a.state = 'applied' AND a.finished_at <= i.decided_at) AS done
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
