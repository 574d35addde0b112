"""Who may go which route, by hand and apart from the shop's own table: a slip in one is seen by the other.

`ID`, `NAME` and `PATH` stand for what a path holds. Who may `GET` may `HEAD`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

NOBODY: Final = "nobody"
SHOPPER: Final = "shopper"
STAFF: Final = ("viewer", "operator", "finance", "owner")
EVERYBODY: Final = (SHOPPER, *STAFF)


@dataclass(frozen=True, slots=True)
class Audience:
    """Who may go some routes. `keys`: the roles of programs' keys; `asks_again`: of a log-in that is fresh.

    `is_open`: who shows nothing goes too. `of_staff`: it takes a role, and a second factor if that is asked.
    """

    roles: tuple[str, ...] = EVERYBODY
    keys: tuple[str, ...] = ()
    asks_again: bool = False
    is_open: bool = False
    of_staff: bool = False
    takes: str = "access"  # the kind of token; `pass`: a mailed link's, which is good for one order
    guards_cookies: bool = False  # although it is open, a cookie needs its proof
    of_others: tuple[str, ...] = ()  # roles that are shown what is another's


def _staff(*roles: str, keys: bool = True, asks_again: bool = False) -> Audience:
    return Audience(roles, roles if keys else (), asks_again, of_staff=True)


ANYONE: Final = Audience((NOBODY, *EVERYBODY), STAFF, is_open=True)
READERS: Final = Audience((NOBODY, *EVERYBODY), is_open=True)  # of pages, which are for people
LEAVING: Final = Audience((NOBODY, *EVERYBODY), is_open=True, guards_cookies=True)  # who then is signed out
PEOPLE: Final = Audience()
PEOPLE_ASKED_AGAIN: Final = Audience(asks_again=True)
PEOPLE_AND_KEYS: Final = Audience(keys=STAFF, of_others=STAFF)
RECEIPTS: Final = Audience(keys=("finance", "owner"), of_others=("finance", "owner"))
REFRESHING: Final = Audience(takes="refresh")
WITH_A_PASS: Final = Audience((NOBODY,), takes="pass")
ANY_STAFF: Final = _staff(*STAFF)
ANY_STAFF_IN_PERSON: Final = _staff(*STAFF, keys=False)
OPERATORS: Final = _staff("operator", "owner")
OPERATORS_IN_PERSON: Final = _staff("operator", "owner", keys=False)
OPERATORS_ASKED_AGAIN: Final = _staff("operator", "owner", asks_again=True)
FINANCE_ASKED_AGAIN: Final = _staff("finance", "owner", asks_again=True)
OWNERS_IN_PERSON: Final = _staff("owner", keys=False)
OWNERS_ASKED_AGAIN: Final = _staff("owner", asks_again=True)
OWNERS_IN_PERSON_ASKED_AGAIN: Final = _staff("owner", keys=False, asks_again=True)

_TABLE: Final[Mapping[Audience, str]] = {
    ANYONE: """
        GET /api/v1/openapi.json
        GET /api/v1/products
        GET /api/v1/products/ID
        GET /api/v1/sales
        GET /api/v1/sales/ID
        GET /api/v1/payments/methods
        POST /api/v1/payments/webhooks/NAME
        POST /api/v1/order-links
        POST /api/v1/auth/register
        POST /api/v1/auth/login
        POST /api/v1/auth/verify
        POST /api/v1/auth/verify/resend
        POST /api/v1/auth/password/forgot
        POST /api/v1/auth/password/reset
        POST /api/v1/auth/invitations/look
        POST /api/v1/auth/invitations/accept
        GET /healthz
        GET /readyz
        GET /metrics
        GET /static/PATH
        GET /service-worker.js
        GET /docs
        GET /docs/assets/NAME
        GET /ws
        POST /language
        POST /session
        GET /unsubscribe/NAME
        POST /unsubscribe/NAME
    """,
    READERS: """
        GET /
        GET /sales/ID
        GET /login
        GET /register
        GET /verify
        GET /forgot
        GET /reset
        GET /invitation
        GET /o
        GET /terms
        GET /privacy
    """,
    LEAVING: "DELETE /session",
    REFRESHING: """
        POST /api/v1/auth/refresh
        POST /session/refresh
    """,
    WITH_A_PASS: """
        GET /api/v1/order-links/order
        POST /api/v1/order-links/order/cancel
        POST /api/v1/order-links/order/payments
    """,
    PEOPLE: """
        GET /orders
        GET /orders/ID
        GET /orders/ID/receipt
        GET /account
        GET /account/follows
        GET /account/notifications
        GET /account/privacy
        GET /account/push
        GET /account/security
        GET /account/sessions
        DELETE /session/everywhere
        POST /api/v1/auth/logout
        POST /api/v1/auth/logout-everywhere
        GET /api/v1/auth/confirm
        POST /api/v1/auth/confirm
        GET /api/v1/me
        PATCH /api/v1/me
        DELETE /api/v1/me
        GET /api/v1/me/follows
        GET /api/v1/me/notifications
        PATCH /api/v1/me/notifications
        GET /api/v1/me/push-subscriptions
        POST /api/v1/me/push-subscriptions
        DELETE /api/v1/me/push-subscriptions/ID
        GET /api/v1/me/second-factor
        DELETE /api/v1/me/second-factor
        POST /api/v1/me/second-factor/confirm
        GET /api/v1/me/sessions
        DELETE /api/v1/me/sessions
        DELETE /api/v1/me/sessions/ID
        GET /api/v1/me/terms
        POST /api/v1/me/terms
        POST /api/v1/sales/ID/intents
        GET /api/v1/sales/ID/standing
        PUT /api/v1/sales/ID/follow
        DELETE /api/v1/sales/ID/follow
        DELETE /api/v1/intents/ID
        POST /api/v1/orders/ID/cancel
        POST /api/v1/orders/ID/payments
    """,
    PEOPLE_ASKED_AGAIN: """
        POST /api/v1/me/second-factor
        POST /api/v1/me/second-factor/recovery-codes
        GET /api/v1/me/export
        POST /api/v1/me/export
    """,
    PEOPLE_AND_KEYS: """
        GET /api/v1/intents
        GET /api/v1/intents/ID
        GET /api/v1/orders
        GET /api/v1/orders/ID
        GET /api/v1/orders/ID/payments
        GET /api/v1/tasks/ID
    """,
    RECEIPTS: "GET /api/v1/orders/ID/receipt",
    ANY_STAFF_IN_PERSON: """
        GET /admin
        GET /admin/compare
        GET /admin/log
        GET /admin/mails
        GET /admin/mails/ID
        GET /admin/orders
        GET /admin/orders/ID
        GET /admin/products
        GET /admin/sales/ID
        GET /admin/sales/ID/report
        GET /admin/shoppers
        GET /admin/shoppers/ID
        GET /admin/tasks
        GET /admin/tasks/ID
        GET /admin/workers
    """,
    ANY_STAFF: """
        GET /api/v1/admin/log
        GET /api/v1/admin/mails
        GET /api/v1/admin/mails/ID
        GET /api/v1/admin/orders
        GET /api/v1/admin/sales/compare
        GET /api/v1/admin/sales/ID/overview
        GET /api/v1/admin/shoppers
        GET /api/v1/admin/shoppers/ID
        GET /api/v1/admin/workers
        GET /api/v1/sales/ID/audit
        GET /api/v1/sales/ID/report
        GET /api/v1/sales/ID/report.csv
        GET /api/v1/tasks
    """,
    OPERATORS_IN_PERSON: """
        GET /admin/products/new
        GET /admin/products/ID/edit
        GET /admin/sales/new
        GET /admin/sales/ID/edit
        GET /admin/sales/ID/clone
    """,
    OPERATORS: """
        POST /api/v1/products
        PATCH /api/v1/products/ID
        DELETE /api/v1/products/ID
        POST /api/v1/sales
        PATCH /api/v1/sales/ID
        POST /api/v1/sales/ID/clone
        POST /api/v1/sales/ID/open
        POST /api/v1/sales/ID/pause
        POST /api/v1/sales/ID/resume
        POST /api/v1/sales/ID/units
        POST /api/v1/sales/ID/audit
        POST /api/v1/sales/ID/report
        POST /api/v1/tasks/ID/retry
    """,
    OPERATORS_ASKED_AGAIN: "POST /api/v1/sales/ID/end",
    FINANCE_ASKED_AGAIN: """
        POST /api/v1/orders/ID/refund
        GET /api/v1/admin/orders.csv
    """,
    OWNERS_IN_PERSON: """
        GET /admin/keys
        GET /admin/staff
        GET /admin/mails/ID/page
        GET /api/v1/admin/api-keys
        GET /api/v1/admin/staff
        GET /api/v1/admin/staff/invitations
    """,
    OWNERS_ASKED_AGAIN: """
        POST /api/v1/sales/ID/cancel
        POST /api/v1/admin/shoppers/ID/ban
        POST /api/v1/admin/shoppers/ID/unban
        POST /api/v1/admin/shoppers/ID/erase
    """,
    OWNERS_IN_PERSON_ASKED_AGAIN: """
        DELETE /api/v1/admin/shoppers/ID/second-factor
        PATCH /api/v1/admin/staff/ID
        DELETE /api/v1/admin/staff/ID
        POST /api/v1/admin/staff/invitations
        DELETE /api/v1/admin/staff/invitations/ID
        POST /api/v1/admin/api-keys
        DELETE /api/v1/admin/api-keys/ID
    """,
}


def _lines() -> Iterator[tuple[str, Audience]]:
    for audience, routes in _TABLE.items():
        yield from ((line.strip(), audience) for line in routes.strip().splitlines())


WHO_MAY: Final = dict(_lines())
ENDS_LOG_INS: Final = frozenset(  # each is gone with a log-in of its own, last of all
    {
        "POST /api/v1/auth/logout",
        "POST /api/v1/auth/logout-everywhere",
        "POST /api/v1/auth/refresh",
        "DELETE /api/v1/me/sessions",
        "DELETE /session",
        "DELETE /session/everywhere",
        "POST /session/refresh",
    }
)
