"""`/account/security`: the account's second factor, and the way to its log-ins."""

from typing import Any

from models.queries.accounts import count_recovery_codes
from web.auth.tokens import Identity
from web.http.services import services
from web.shop.account.frame import blueprint, section
from web.staff.guard import lacks_second_factor


@blueprint.get("/security")
@section("security")
def security(identity: Identity) -> dict[str, Any]:
    """The second factor: switched on and off, with new recovery codes."""
    with services().database.transaction() as session:
        codes_left = count_recovery_codes(session, identity.user_id)
    return {"codes_left": codes_left, "is_missing": lacks_second_factor(identity)}
