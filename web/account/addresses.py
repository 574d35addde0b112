"""`/auth/verify`: confirms an address by the link that was mailed to it, and mails another one."""

from typing import Any

from flask import Response

from models.enums import LinkKind
from models.errors import FlashSaleError
from tasks.accounts.addresses import confirm_address
from web.api.schemas.accounts import AddressSchema, AskedAddressSchema, LinkSchema
from web.auth.identity import identity_if_any
from web.auth.tokens import Identity
from web.http.errors import Problem
from web.http.openapi import Blueprint
from web.http.responses import answer
from web.http.services import services

blueprint = Blueprint("addresses", __name__, url_prefix="/auth/verify", description="Confirmed addresses")


@blueprint.post("")
@blueprint.arguments(LinkSchema)
@blueprint.response(200, AddressSchema)
def verify(asked: dict[str, str]) -> dict[str, Any]:
    """Confirm an address by a link's token, which is good once.

    Where the link was for a new address, the account has it from now on, and its other log-ins end.
    """
    parts, identity = services(), _who_asks()
    parts.limits.hit_address("links")
    done = confirm_address(parts.context, asked["token"], besides=identity.family if identity else None)
    parts.revoked.add(*done.ended)
    return {"email": done.user.email, "email_verified": True}


@blueprint.post("/resend")
@blueprint.arguments(AskedAddressSchema)
@blueprint.response(202)
def resend(asked: dict[str, str]) -> Response:
    """Mail the link again, if the address is an account's that is not confirmed. The answer does not tell."""
    return ask_for_link(asked["email"], LinkKind.VERIFY_EMAIL)


def ask_for_link(email: str, kind: LinkKind) -> Response:
    """Have a link mailed after the answer, which is 202 and says nothing.

    Raises:
        Problem: 409 `no_mail`, where the shop sends none.
        TooManyRequests: too many were asked for.
    """
    parts = services()
    parts.limits.hit_address("links")
    require_mail()
    parts.asked_links.ask(email, kind)
    return answer({}, 202)


def require_mail() -> None:
    """Refuse what goes by mail, where the shop sends none.

    Raises:
        Problem: 409 `no_mail`.
    """
    if services().settings.mail is None:
        raise Problem(409, "no_mail", "This shop sends no mail.")


def _who_asks() -> Identity | None:
    """Who is logged in where the link was opened, which is not asked for."""
    try:
        return identity_if_any()
    except (Problem, FlashSaleError):
        return None
