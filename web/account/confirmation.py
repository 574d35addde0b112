"""`/auth/confirm`: shows once more that it is the account's owner, before something dangerous."""

from typing import Any

from web.api.schemas.second_factors import ConfirmedSchema, ConfirmSchema
from web.auth.confirmation import confirm, standing
from web.auth.identity import current_identity, signed_in
from web.http.openapi import Blueprint
from web.http.services import services

blueprint = Blueprint("confirmation", __name__, url_prefix="/auth/confirm", description="Asked again")


@blueprint.get("")
@signed_in
@blueprint.response(200, ConfirmedSchema)
def is_confirmed() -> dict[str, Any]:
    """Say whether what is dangerous would ask again, and for what."""
    return standing(services(), current_identity())


@blueprint.post("")
@signed_in
@blueprint.arguments(ConfirmSchema)
@blueprint.response(204)
def confirm_log_in(asked: dict[str, str]) -> None:
    """Give the password again, or a code where the account has a second factor.

    For a while this log-in may then do what is refused with 403 `confirmation_required`; so may a new one.
    """
    confirm(services(), current_identity(), password=asked.get("password"), code=asked.get("code"))
