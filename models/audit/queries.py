"""The SQL of an audit, each query for one sale."""

from typing import Final

from sqlalchemy import text

SALE: Final = text("""
    SELECT s.allocation, s.held, s.sold, s.status, s.epoch, s.revision, s.last_decided_ticket,
           s.per_shopper_limit, s.admission_order, s.draw_seed, s.lobby_size,
           s.accepted, s.accepted_ticket, s.noted, s.noted_at,
           coalesce((SELECT sum(last_ticket - first_ticket + 1) FROM lost_tickets WHERE sale_id = s.id), 0)
               AS lost,
           coalesce((SELECT max(last_ticket) FROM lost_tickets WHERE sale_id = s.id), 0) AS last_lost,
           coalesce((SELECT json_agg(json_build_array(first_ticket, last_ticket)) FROM lost_tickets
                     WHERE sale_id = s.id), '[]') AS lost_ranges,
           (SELECT count(*) FROM orders WHERE sale_id = s.id AND released_at IS NULL
            AND status IN ('expired', 'cancelled', 'paid', 'refunded')) AS unreleased,
           (SELECT count(*) FROM payments p JOIN orders o ON o.id = p.order_id
            LEFT JOIN refunds r ON r.payment_id = p.id
            WHERE o.sale_id = s.id AND p.status = 'late' AND r.id IS NULL) AS undecided,
           coalesce((SELECT sum(quantity) FROM orders WHERE sale_id = s.id
                     AND status IN ('held', 'paying')), 0) AS held_in_orders,
           coalesce((SELECT sum(quantity) FROM orders WHERE sale_id = s.id AND status = 'paid'), 0)
               AS sold_in_orders,
           (SELECT count(ticket) FROM intents WHERE sale_id = s.id) AS intents,
           coalesce((SELECT max(ticket) FROM intents WHERE sale_id = s.id), 0) AS last_ticket,
           (SELECT count(*) FROM adjustments WHERE sale_id = s.id AND state = 'pending') AS adjusting
    FROM sales s WHERE s.id = :sale_id
""")

# PostgreSQL estimates these queries far too high: JIT-compiling them would take longer than running them.
# An audit takes one core at most.
PLAIN: Final = text("""
    SELECT set_config('jit', 'off', true), set_config('max_parallel_workers_per_gather', '0', true)
""")

# A ticket that was refused although a later one got as much as it had requested. Units that a raise or a
# refund brought after the refusal are no such case: a refusal is held against what was granted out of those
# that had surely arrived by then (its span), and a grant may be out of any that had begun (its span). A
# verdict's time is cut to the millisecond. One ordered pass for each need that was refused: the last ticket
# that got as much in this span or an earlier one. `width_bucket` counts how many of the sorted times are
# not later.
PASSED_OVER: Final = text("""
    WITH brought AS (
        SELECT created_at AS begun_at, CASE WHEN state = 'applied' THEN finished_at END AS done_at
        FROM adjustments WHERE sale_id = :sale_id AND units > 0 AND state <> 'refused'
        UNION ALL
        SELECT refunded_at, released_at FROM orders WHERE sale_id = :sale_id AND status = 'refunded'
    ), arrivals AS (
        SELECT coalesce(array_agg(begun_at ORDER BY begun_at), '{}') AS begun,
               coalesce(array_agg(done_at ORDER BY done_at) FILTER (WHERE done_at IS NOT NULL), '{}') AS done
        FROM brought
    ), refused AS MATERIALIZED (
        SELECT ticket, CASE WHEN accept_fewer THEN 1 ELSE quantity END AS need,
               width_bucket(decided_at, (SELECT done FROM arrivals)) AS span
        FROM intents WHERE sale_id = :sale_id AND status = 'sold_out' AND reason IS NULL
    ), granted AS MATERIALIZED (
        SELECT i.ticket, o.quantity AS units,
               width_bucket(i.decided_at + interval '1 ms', (SELECT begun FROM arrivals)) AS span
        FROM orders o JOIN intents i ON i.id = o.intent_id
        WHERE o.sale_id = :sale_id AND i.decided_at IS NOT NULL
    ), enough AS (
        SELECT need, span, max(ticket) AS ticket
        FROM granted JOIN (SELECT DISTINCT need FROM refused) AS needs ON need <= units
        GROUP BY need, span
    ), compared AS (
        SELECT need, span, ticket, is_refused,
               max(ticket) FILTER (WHERE NOT is_refused)
                   OVER (PARTITION BY need ORDER BY span, is_refused) AS last_granted
        FROM (SELECT need, span, ticket, false AS is_refused FROM enough
              UNION ALL SELECT need, span, ticket, true FROM refused) AS both_kinds
    ), passed_over AS (
        SELECT ticket, need, span FROM compared WHERE is_refused AND last_granted > ticket
        ORDER BY ticket LIMIT :most
    )
    SELECT ticket, need, (SELECT max(units) FROM granted AS g
                          WHERE g.ticket > p.ticket AND g.span <= p.span) AS later_granted
    FROM passed_over AS p ORDER BY ticket
""")

# A ticket that waited, or waits, while a later one got as much as would have done for it. One ordered pass
# for each need, from the last ticket to the first. Who stands by only since a rebuild was in a claim that got
# lost.
OVERTAKEN: Final = text("""
    WITH asked AS MATERIALIZED (
        SELECT ticket, CASE WHEN accept_fewer THEN 1 ELSE quantity END AS need, status,
               coalesce(decided_at, 'infinity') AS decided_at, coalesce(standby_at, '-infinity') AS standby_at
        FROM intents WHERE sale_id = :sale_id AND status <> 'left'
    ), granted AS (
        SELECT i.ticket, o.quantity AS units, coalesce(i.decided_at, 'infinity') AS granted_at
        FROM orders o JOIN intents i ON i.id = o.intent_id WHERE o.sale_id = :sale_id
    ), compared AS (
        SELECT need, ticket, status, decided_at, standby_at,
               min(granted_at) OVER (PARTITION BY need ORDER BY ticket DESC) AS later_granted_at
        FROM (SELECT need, ticket, status, decided_at, standby_at, NULL::timestamptz AS granted_at FROM asked
              UNION ALL
              SELECT need, ticket, NULL, NULL, NULL, granted_at
              FROM granted JOIN (SELECT DISTINCT need FROM asked) AS needs ON need <= units) AS both_kinds
    )
    SELECT ticket, need, status, later_granted_at FROM compared
    WHERE later_granted_at < decided_at AND standby_at <= later_granted_at ORDER BY ticket LIMIT :most
""")

# Who waits, holds and has paid, each as one text: `{"intent": "user|units", …}`. As rows they cost far more.
PEOPLE: Final = text("""
    SELECT coalesce((SELECT json_object_agg(id, concat(user_id, '|', quantity)) FROM intents
                     WHERE sale_id = :sale_id AND status = 'standby'), '{}')::text AS standby,
           coalesce((SELECT json_object_agg(intent_id, concat(user_id, '|', quantity)) FROM orders
                     WHERE sale_id = :sale_id AND status IN ('held', 'paying')), '{}')::text AS holds,
           coalesce((SELECT json_object_agg(intent_id, concat(user_id, '|', quantity)) FROM orders
                     WHERE sale_id = :sale_id AND status = 'paid'), '{}')::text AS sold
""")

# Payments beside the orders that they pay for: sums, and the orders that break the rules. All of it changes
# in single transactions. What was charged wrongly counts with its own amount, in another currency not at all.
MONEY: Final = text("""
    WITH money AS (
        SELECT o.id, o.status, o.quantity * o.unit_price_minor AS total, o.receipt_number,
               r.total_minor AS receipted,
               coalesce(sum(p.amount_minor) FILTER (WHERE p.status = 'succeeded'), 0) AS kept,
               count(p.id) FILTER (WHERE p.status = 'succeeded') AS keeping,
               coalesce(sum(CASE WHEN p.charged_currency <> p.currency THEN 0
                                 ELSE coalesce(p.charged_minor, p.amount_minor) END)
                            FILTER (WHERE p.status = 'refunded'), 0) AS given_back,
               count(p.id) FILTER (WHERE p.status = 'refunded') AS giving_back,
               count(*) FILTER (WHERE (p.status = 'refunded') <> coalesce(f.status = 'succeeded', false)
                                OR (f.status = 'succeeded'
                                    AND f.amount_minor <> coalesce(p.charged_minor, p.amount_minor)))
                   AS unmatched,
               coalesce(sum(CASE WHEN p.charged_currency <> p.currency THEN 0
                                 ELSE coalesce(p.charged_minor, p.amount_minor) END)
                            FILTER (WHERE p.status = 'late'), 0) AS undecided
        FROM orders o LEFT JOIN payments p ON p.order_id = o.id LEFT JOIN refunds f ON f.payment_id = p.id
        LEFT JOIN receipts r ON r.order_id = o.id
        WHERE o.sale_id = :sale_id GROUP BY o.id, r.order_id
    ), broken AS (
        SELECT id, status, total, kept, given_back FROM money
        WHERE (status = 'paid') <> (keeping = 1)
              OR kept <> (CASE status WHEN 'paid' THEN total ELSE 0 END)
              OR (status = 'refunded' AND giving_back = 0) OR unmatched > 0
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

# What the limit applies to at every instant. A standby intent may have left on the live side already and
# asked again, so that waiting units are counted only while nothing is in flight. An order that has ended is
# owned no more, whether or not the return of its units is noted.
OVER_LIMIT: Final = text("""
    SELECT user_id::text, sum(quantity) AS units FROM orders
    WHERE sale_id = :sale_id AND status IN ('held', 'paying', 'paid')
    GROUP BY user_id HAVING sum(quantity) > :limit ORDER BY user_id LIMIT :most
""")

LOTS: Final = text("""
    SELECT id::text, ticket FROM intents,
        (SELECT coalesce(max(last_ticket), 0) AS last FROM lost_tickets
         WHERE sale_id = :sale_id AND before_opening) AS lost
    WHERE sale_id = :sale_id AND ticket > lost.last AND ticket <= lost.last + :lobby ORDER BY ticket
""")

# Verdicts and orders that do not belong together: each held intent has one order, of the same shopper, and no
# order is without; whose they are has an account. No foreign keys say so.
MISMATCHED: Final = text("""
    SELECT coalesce(i.id, o.intent_id) AS id, i.ticket, i.status, o.id AS order_id
    FROM (SELECT id, user_id, ticket, status FROM intents WHERE sale_id = :sale_id) AS i
    FULL JOIN (SELECT id, intent_id, user_id FROM orders WHERE sale_id = :sale_id) AS o ON o.intent_id = i.id
    LEFT JOIN users AS u ON u.id = coalesce(o.user_id, i.user_id)
    WHERE (i.status = 'held') IS DISTINCT FROM (o.id IS NOT NULL) OR o.user_id <> i.user_id OR u.id IS NULL
    ORDER BY i.ticket LIMIT :most
""")
