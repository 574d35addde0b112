"""`/me/second-factor`: one-time passwords by time (RFC 6238) of an authenticator app, and recovery codes."""

from typing import Any, Final

import segno
from flask_babel import gettext as _
from pyotp import TOTP

from models.queries.accounts import count_recovery_codes
from tasks.accounts import second_factor
from tasks.accounts.confirming import require_confirmed
from tasks.accounts.second_factor import Changed
from web.api.schemas.second_factors import (
    CodeSchema,
    NewSecondFactorSchema,
    RecoveryCodesSchema,
    SecondFactorSchema,
)
from web.auth.accounts import find_user
from web.auth.confirmation import judged
from web.auth.identity import current_identity, signed_in
from web.http.openapi import Blueprint
from web.http.services import services
from web.shop.words import SHOP_NAME

blueprint = Blueprint("second_factor", __name__, url_prefix="/me/second-factor", description="Second factors")

_MODULE: Final = 4  # of the drawing, whose size the page decides


@blueprint.get("")
@signed_in
@blueprint.response(200, SecondFactorSchema)
def show() -> dict[str, Any]:
    """Say whether the account has a second factor."""
    user = find_user(services(), current_identity().user_id)
    with services().database.transaction() as session:
        left = count_recovery_codes(session, user.id)
    since = user.totp_confirmed_at
    return {
        "enabled": since is not None,
        "since": since,
        "recovery_codes_left": left,
    }


@blueprint.post("")
@signed_in
@blueprint.response(201, NewSecondFactorSchema)
def begin() -> dict[str, str]:
    """Make a secret for an authenticator app. It counts once a first code of it was given."""
    identity, context = current_identity(), services().context
    require_confirmed(context, identity.family)
    secret, email = second_factor.begin(context, identity.user_id)
    uri = TOTP(secret).provisioning_uri(name=email, issuer_name=SHOP_NAME)
    return {"secret": secret, "uri": uri, "svg": draw(uri)}


@blueprint.post("/confirm")
@signed_in
@blueprint.arguments(CodeSchema)
@blueprint.response(200, RecoveryCodesSchema)
def turn_on(asked: dict[str, str]) -> dict[str, list[str]]:
    """Switch it on by a first code, which shows that the app has the secret; every other log-in ends."""
    parts, identity = services(), current_identity()
    user = find_user(parts, identity.user_id)

    def change() -> Changed:
        return second_factor.turn_on(parts.context, user.id, identity.family, asked["code"])

    return _told(judged(parts, user, change))


@blueprint.delete("")
@signed_in
@blueprint.arguments(CodeSchema)
@blueprint.response(204)
def turn_off(asked: dict[str, str]) -> None:
    """Switch it off by a code, which is the confirmation at the same time; every other log-in ends."""
    parts, identity = services(), current_identity()
    user = find_user(parts, identity.user_id)

    def change() -> Changed:
        return second_factor.turn_off(parts.context, user.id, identity.family, asked["code"])

    _told(judged(parts, user, change))


@blueprint.post("/recovery-codes")
@signed_in
@blueprint.response(200, RecoveryCodesSchema)
def renew_recovery_codes() -> dict[str, list[str]]:
    """Get new recovery codes in place of the old ones; every other log-in ends."""
    identity, context = current_identity(), services().context
    require_confirmed(context, identity.family)
    return _told(second_factor.renew_recovery_codes(context, identity.user_id, identity.family))


def draw(uri: str) -> str:
    """Draw a QR code as an `<svg>` element: dark on light in every colour scheme, as cameras want it."""
    picture: str = segno.make(uri, error="m", micro=False).svg_inline(
        scale=_MODULE,
        light="#fff",
        omitsize=True,
        title=_("QR code for an authenticator app"),
        desc=_("It says the same as the key that stands beside it."),
    )
    return picture.replace("<svg ", '<svg role="img" ', 1)


def _told(changed: Changed) -> dict[str, list[str]]:
    services().revoked.add(*changed.ended)
    return {"recovery_codes": changed.recovery_codes}
