"""`/account/privacy`: accepted terms, a copy of one's data, and the end of the account."""

from typing import Any

from flask import request

from web.account.privacy import read_terms
from web.auth.tokens import Identity
from web.shop.account.frame import blueprint, section
from web.shop.paths import own_path


@blueprint.get("/privacy")
@section("privacy")
def privacy(identity: Identity) -> dict[str, Any]:
    """What was accepted, and what can be done with one's data."""
    said = request.args.get("next")
    return {"terms": read_terms(identity.user_id), "target": own_path(said) if said else ""}
