"""`/account/follows` and `/account/push`: what one is told of, and the browsers that are told."""

from typing import Final

from flask import request
from werkzeug.wrappers import Response

from tasks.notices.browsers import list_subscriptions
from web.account.follows import read_follows
from web.account.pushes import show
from web.http.services import services
from web.shop.account.frame import blueprint, show_section
from web.shop.viewing import viewer

A_PAGE: Final = 50  # sales


@blueprint.get("/follows")
def follows() -> Response | str:
    """The sales that the account follows."""
    identity = viewer()
    if identity is None:
        return show_section("follows")
    cursor = request.args.get("cursor")
    found = read_follows(services().context, identity.user_id, limit=A_PAGE, cursor=cursor)
    return show_section("follows", page=found)


@blueprint.get("/push")
def push() -> Response | str:
    """This browser and the others: which of them are told."""
    identity, settings = viewer(), services().settings.push
    if identity is None:
        return show_section("push")
    browsers = [show(one) for one in list_subscriptions(services().context, identity.user_id)]
    key = settings.public_key if settings else None
    return show_section("push", browsers=browsers, key=key)
