"""`/account/security`: the account's second factor, and the way to its log-ins."""

from werkzeug.wrappers import Response

from models.queries.accounts import count_recovery_codes
from web.http.services import services
from web.shop.account.frame import blueprint, show_section
from web.shop.viewing import viewer
from web.staff.guard import lacks_second_factor


@blueprint.get("/security")
def security() -> Response | str:
    """The second factor: switched on and off, with new recovery codes."""
    identity = viewer()
    if identity is None:
        return show_section("security")
    with services().database.transaction() as session:
        codes_left = count_recovery_codes(session, identity.user_id)
    return show_section("security", codes_left=codes_left, is_missing=lacks_second_factor(identity))
