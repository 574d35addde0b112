"""`/account/sessions`: where one is logged in."""

import re
from typing import Any, Final

from models.queries.accounts import good_log_ins
from models.tables.accounts import TokenFamily
from web.auth.tokens import Identity
from web.http.services import services
from web.shop.account.frame import blueprint, section

_BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)
_PRODUCT: Final = re.compile(r"[^/ ]{1,40}").match


@blueprint.get("/sessions")
@section("sessions")
def sessions(identity: Identity) -> dict[str, Any]:
    """The log-ins that are good, each with a button that ends it."""
    with services().database.transaction() as session:
        rows = good_log_ins(session, identity.user_id)
    return {"found": [{**_shown(row), "is_current": row.id == identity.family} for row in rows]}


def device_of(agent: str) -> str:
    """Name a browser and its system by what it says that it is; or a program by its first word."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    product = _PRODUCT(agent)
    return ", ".join(filter(None, (browser, system))) or (product[0] if product else "")


def _shown(row: TokenFamily) -> dict[str, Any]:
    return {
        "id": row.id,
        "device": device_of(row.user_agent),
        "network": row.network,
        "created_at": row.created_at,
        "last_used_at": row.last_used_at or row.created_at,
    }
