"""`/account/privacy`: accepted terms, a copy of one's data, and the end of the account."""

from flask import request
from werkzeug.wrappers import Response

from web.account.privacy import read_terms
from web.shop.account.frame import blueprint, show_section
from web.shop.paths import own_path
from web.shop.viewing import viewer


@blueprint.get("/privacy")
def privacy() -> Response | str:
    """What was accepted, and what can be done with one's data."""
    identity = viewer()
    if identity is None:
        return show_section("privacy")
    said = request.args.get("next")
    target = own_path(said) if said else ""
    return show_section("privacy", terms=read_terms(identity.user_id), target=target)
