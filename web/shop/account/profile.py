"""`/account`: who one is to the shop."""

from werkzeug.wrappers import Response

from web.shop.account.frame import blueprint, show_section


@blueprint.get("")
def profile() -> Response | str:
    """The account's own words, and logging out on every device."""
    return show_section("profile")
