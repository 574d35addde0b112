"""The SQL of a report, each query for one sale.

Each goes over the sale's intents or orders once. Seconds are counted from `opened_at`.
"""

from typing import Final

from sqlalchemy import text

# PostgreSQL estimates these far too high: JIT-compiling them would take longer than running them.
UNCOMPILED: Final = text("SET LOCAL jit = off")

SALE: Final = text("""
    SELECT s.number, s.status, s.price_minor, s.currency, s.allocation, s.per_shopper_limit, s.hold_seconds,
           s.opens_at, s.closes_at, s.lobby_opens_at, s.admission_order, s.rate_per_second, s.max_open_holds,
           s.drained_at, s.last_decided_ticket, s.product_id, now() AS now,
           p.name AS product_name,
           (SELECT min(at) FROM admin_log WHERE subject_id = s.id AND deed = 'opened') AS opened_by_hand_at,
           (SELECT min(at) FROM admin_log WHERE subject_id = s.id AND deed IN ('ended', 'cancelled'))
               AS ended_by_hand_at
    FROM sales s JOIN products p ON p.id = s.product_id WHERE s.id = :sale_id
""")

INTENTS: Final = text("""
    SELECT count(*) AS intents, count(decided_at) AS decided, count(DISTINCT user_id) AS shoppers,
           count(*) FILTER (WHERE status = 'standby') AS standby,
           count(*) FILTER (WHERE status = 'sold_out') AS sold_out,
           count(*) FILTER (WHERE status = 'rejected') AS rejected,
           count(*) FILTER (WHERE status = 'left') AS left,
           coalesce(sum(quantity), 0) AS units, min(submitted_at) AS first_at,
           min(decided_at) FILTER (WHERE status IN ('held', 'sold_out')) AS first_served_at,
           max(decided_at) AS last_verdict_at
    FROM intents WHERE sale_id = :sale_id
""")

REASONS: Final = text("""
    SELECT status, reason, count(*) AS intents FROM intents
    WHERE sale_id = :sale_id AND status IN ('rejected', 'sold_out') GROUP BY status, reason
    ORDER BY intents DESC, status, reason
""")

ORDERS: Final = text("""
    SELECT count(*) AS granted, coalesce(sum(quantity), 0) AS granted_units,
           count(DISTINCT user_id) AS shoppers, count(DISTINCT user_id) FILTER (WHERE is_paid) AS payers,
           min(created_at) AS first_hold_at, max(paid_at) AS last_paid_at,
           count(*) FILTER (WHERE is_paid) AS paid,
           coalesce(sum(quantity) FILTER (WHERE is_paid), 0) AS paid_units,
           coalesce(sum(quantity * unit_price_minor) FILTER (WHERE is_paid), 0) AS gross_minor,
           count(*) FILTER (WHERE status = 'refunded') AS refunded,
           coalesce(sum(quantity) FILTER (WHERE status = 'refunded'), 0) AS refunded_units,
           coalesce(sum(quantity * unit_price_minor) FILTER (WHERE status = 'refunded'), 0) AS refunded_minor,
           count(*) FILTER (WHERE status = 'expired') AS expired,
           coalesce(sum(quantity) FILTER (WHERE status = 'expired'), 0) AS expired_units,
           count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
           coalesce(sum(quantity) FILTER (WHERE status = 'cancelled'), 0) AS cancelled_units,
           count(*) FILTER (WHERE status IN ('held', 'paying')) AS open,
           coalesce(sum(quantity) FILTER (WHERE status IN ('held', 'paying')), 0) AS open_units
    FROM (SELECT *, paid_at IS NOT NULL AS is_paid FROM orders WHERE sale_id = :sale_id) AS of_sale
""")

PAYMENTS: Final = text("""
    SELECT count(*) AS attempts, count(DISTINCT p.order_id) AS orders,
           count(*) FILTER (WHERE p.status = 'declined') AS declined
    FROM payments p JOIN orders o ON o.id = p.order_id WHERE o.sale_id = :sale_id
""")

# An intent from before the opening waited for that, not for a worker.
SPREADS: Final = text("""
    WITH lengths AS (
        SELECT 'to_verdict' AS name, decided_at - greatest(submitted_at, :opened_at) AS length
        FROM intents WHERE sale_id = :sale_id AND decided_at IS NOT NULL AND status <> 'left'
        UNION ALL
        SELECT 'on_standby', decided_at - standby_at
        FROM intents WHERE sale_id = :sale_id AND decided_at IS NOT NULL AND standby_at IS NOT NULL
        UNION ALL
        SELECT 'hold_to_paid', paid_at - created_at
        FROM orders WHERE sale_id = :sale_id AND paid_at IS NOT NULL
    ), spans AS (
        SELECT name, greatest(round(date_part('epoch', length) * 1000)::bigint, 0) AS ms FROM lengths
    )
    SELECT name, count(*) AS count, max(ms) AS max,
           percentile_disc(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY ms) AS percentiles
    FROM spans GROUP BY name
""")

# What was adjusted before the opening is what the sale began with. A pending raise is in the ledger already.
_ADJUSTED: Final = """
    sale_id = :sale_id AND (state = 'applied' OR (state = 'pending' AND units > 0))
    AND coalesce(finished_at, created_at) >= :opened_at
"""

ADJUSTED: Final = text(f"SELECT coalesce(sum(units), 0) FROM adjustments WHERE {_ADJUSTED}")  # noqa: S608

# Every move of units between free, held and sold. A hold ended when its history says so first; an order may
# be paid after that, when its charge came late and units were still free.
_MOVES: Final = f"""
    ended AS (
        SELECT e.order_id, min(e.at) AS at FROM order_events e JOIN orders o ON o.id = e.order_id
        WHERE o.sale_id = :sale_id AND e.status IN ('expired', 'cancelled') GROUP BY e.order_id
    ), held AS MATERIALIZED (
        SELECT o.quantity AS units, o.created_at, o.paid_at, o.refunded_at,
               coalesce(ended.at, CASE WHEN o.status IN ('expired', 'cancelled') THEN o.expires_at END)
                   AS ended_at
        FROM orders o LEFT JOIN ended ON ended.order_id = o.id WHERE o.sale_id = :sale_id
    ), moves AS (
        SELECT created_at AS at, 1 AS granted, 0 AS paid, -units AS free, units AS held, 0 AS sold FROM held
        UNION ALL SELECT ended_at, 0, 0, units, -units, 0 FROM held WHERE ended_at IS NOT NULL
        UNION ALL
        SELECT paid_at, 0, 1, CASE WHEN ended_at IS NULL THEN 0 ELSE -units END,
               CASE WHEN ended_at IS NULL THEN -units ELSE 0 END, units
        FROM held WHERE paid_at IS NOT NULL
        UNION ALL SELECT refunded_at, 0, 0, units, 0, -units FROM held WHERE refunded_at IS NOT NULL
        UNION ALL
        SELECT coalesce(finished_at, created_at), 0, 0, units, 0, 0 FROM adjustments WHERE {_ADJUSTED}
    )
"""  # noqa: S608 - put together of constants

ALL_TAKEN: Final = text(f"""
    WITH {_MOVES}, levels AS (SELECT at, :first_units + sum(free) OVER (ORDER BY at) AS free FROM moves)
    SELECT min(at) FROM levels WHERE free <= 0
""")  # noqa: S608 - put together of constants

# What happened, by the second; where that is more than `most` seconds, by the finest step that is not. Of
# the last five columns, each is what a level of the sale grew by.
SERIES: Final = text(f"""
    WITH {_MOVES}, happened AS (
        SELECT submitted_at AS at, 1 AS intents, 0 AS decided, 0 AS refused,
               1 AS line, 0 AS standby FROM intents WHERE sale_id = :sale_id
        UNION ALL
        SELECT decided_at, 0, 1, (status IN ('sold_out', 'rejected'))::int,
               (standby_at IS NOT NULL)::int - 1, -(standby_at IS NOT NULL)::int
        FROM intents WHERE sale_id = :sale_id AND decided_at IS NOT NULL
        UNION ALL
        SELECT standby_at, 0, 0, 0, -1, 1 FROM intents WHERE sale_id = :sale_id AND standby_at IS NOT NULL
        UNION ALL
        SELECT (SELECT coalesce(max(decided_at), max(submitted_at)) FROM intents WHERE sale_id = :sale_id),
               0, 0, 0, -1, 1
        FROM intents WHERE sale_id = :sale_id AND status = 'standby' AND standby_at IS NULL
    ), by_second AS MATERIALIZED (
        SELECT second, sum(intents) AS intents, sum(decided) AS decided, sum(granted) AS granted,
               sum(paid) AS paid, sum(refused) AS refused, sum(line) AS line, sum(standby) AS standby,
               sum(free) AS free, sum(held) AS held, sum(sold) AS sold
        FROM (SELECT floor(date_part('epoch', at - :opened_at))::bigint AS second, sum(intents) AS intents,
                     sum(decided) AS decided, 0 AS granted, 0 AS paid, sum(refused) AS refused,
                     sum(line) AS line, sum(standby) AS standby, 0 AS free, 0 AS held, 0 AS sold
              FROM happened GROUP BY second
              UNION ALL
              SELECT floor(date_part('epoch', at - :opened_at))::bigint AS second, 0, 0, sum(granted),
                     sum(paid), 0, 0, 0, sum(free), sum(held), sum(sold)
              FROM moves GROUP BY second) AS both_kinds
        GROUP BY second
    ), chosen AS (
        SELECT coalesce(min(step) FILTER (WHERE seconds <= :most), max(step)) AS step
        FROM (SELECT step, (SELECT count(*) FROM (SELECT DISTINCT floor(second / step::float8) FROM by_second)
                            AS distinct_ones) AS seconds
              FROM unnest(CAST(:steps AS int[])) AS step) AS fineness
    )
    SELECT step, floor(second / step::float8)::bigint * step AS second, sum(intents) AS intents,
           sum(decided) AS decided, sum(granted) AS granted, sum(paid) AS paid, sum(refused) AS refused,
           sum(line) AS line, sum(standby) AS standby, sum(free) AS free, sum(held) AS held, sum(sold) AS sold
    FROM by_second, chosen GROUP BY 1, 2 ORDER BY 2
""")  # noqa: S608 - put together of constants

FINGERPRINT: Final = text("""
    SELECT s.sold, s.drained_at IS NOT NULL AS is_drained,
           (SELECT coalesce(jsonb_object_agg(status, n), '{}') FROM
            (SELECT status, count(*) AS n FROM orders WHERE sale_id = s.id GROUP BY status) AS one) AS orders,
           (SELECT coalesce(jsonb_object_agg(status, n), '{}') FROM
            (SELECT p.status, count(*) AS n FROM payments p JOIN orders o ON o.id = p.order_id
             WHERE o.sale_id = s.id GROUP BY p.status) AS one) AS payments,
           (SELECT coalesce(jsonb_object_agg(status, n), '{}') FROM
            (SELECT r.status, count(*) AS n FROM refunds r JOIN orders o ON o.id = r.order_id
             WHERE o.sale_id = s.id GROUP BY r.status) AS one) AS refunds
    FROM sales s WHERE s.id = :sale_id
""")
