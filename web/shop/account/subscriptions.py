"""`/account/follows` and `/account/push`: what one is told of, and the browsers that are told."""

from typing import Any, Final

from flask import request

from tasks.notices.browsers import list_subscriptions
from web.account.follows import read_follows
from web.account.pushes import show
from web.auth.tokens import Identity
from web.http.services import services
from web.shop.account.frame import blueprint, section

A_PAGE: Final = 50  # sales


@blueprint.get("/follows")
@section("follows")
def follows(identity: Identity) -> dict[str, Any]:
    """The sales that the account follows."""
    cursor = request.args.get("cursor")
    return {"page": read_follows(services().context, identity.user_id, limit=A_PAGE, cursor=cursor)}


@blueprint.get("/push")
@section("push")
def push(identity: Identity) -> dict[str, Any]:
    """This browser and the others: which of them are told."""
    settings = services().settings.push
    browsers = [show(one) for one in list_subscriptions(services().context, identity.user_id)]
    return {"browsers": browsers, "key": settings.public_key if settings else None}
