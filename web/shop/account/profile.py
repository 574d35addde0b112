"""`/account`: who one is to the shop."""

from typing import Any

from web.auth.tokens import Identity
from web.shop.account.frame import blueprint, section


@blueprint.get("")
@section("profile")
def profile(_identity: Identity) -> dict[str, Any]:
    """The account's own words, and logging out on every device."""
    return {}
