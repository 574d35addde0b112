"""Defines «passed over» and «overtaken» ticket by ticket, plainly and slowly.

The audit asks the same in one pass; by these it is checked, and measured.
"""

from typing import Final

from sqlalchemy import text

# A ticket that was refused although a later one got as much as it had asked for. Units that a raise or a
# refund brought after the refusal are no such case: a refusal is held against what was granted out of those
# that had surely arrived by then (`done`), and a grant may be out of any that had begun (`begun`). A
# verdict's time is cut to the millisecond.
PASSED_OVER_AS_SAID: Final = text("""
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
OVERTAKEN_AS_SAID: Final = text("""
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
