"""`/me/push-subscriptions`: the browsers that are told while the shop is not open in them."""

import base64
import binascii
import uuid
from typing import Any, Final

from flask import Response, request
from marshmallow import Schema, ValidationError, fields, validate

from models.messages import Message, rfc3339
from models.tables.notices.pushes import MAX_ENDPOINT, PushSubscription
from tasks.notices.browsers import Browser, list_subscriptions, subscribe, unsubscribe
from tasks.push.endpoints import is_endpoint, origin_of
from web.api.schemas.fields import Strict, UtcTime
from web.auth.identity import current_identity, signed_in
from web.http.openapi import Blueprint
from web.http.responses import answer
from web.http.services import services

POINT_BYTES: Final = 65  # uncompressed, which begins with 4
SECRET_BYTES: Final = 16

blueprint = Blueprint(
    "push", __name__, url_prefix="/me/push-subscriptions", description="Browsers that are told by push"
)


class KeysSchema(Strict):
    """The browser's keys, in URL-safe Base64."""

    p256dh = fields.String(required=True, validate=validate.Length(1, 90))
    auth = fields.String(required=True, validate=validate.Length(1, 30))


class SubscribeSchema(Strict):
    """What `PushSubscription.toJSON()` gives."""

    endpoint = fields.String(required=True, validate=validate.Length(1, MAX_ENDPOINT))
    keys = fields.Nested(KeysSchema, required=True)
    expirationTime = fields.Raw(load_default=None, allow_none=True)  # noqa: N815 - the browsers' word


class SubscriptionSchema(Schema):
    """A browser. Its address at the service and its keys are secrets, and are not told."""

    id = fields.UUID(required=True)
    service = fields.String(required=True, metadata={"description": "Where its push service is."})
    user_agent = fields.String(required=True)
    created_at = UtcTime(required=True)


class SubscriptionsSchema(Schema):
    """An account's browsers, newest first, and the key to subscribe by; null where none are told."""

    items = fields.List(fields.Nested(SubscriptionSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
    public_key = fields.String(required=True, allow_none=True)


@blueprint.post("")
@signed_in
@blueprint.arguments(SubscribeSchema)
@blueprint.response(201, SubscriptionSchema)
def add(asked: dict[str, Any]) -> Response:
    """Let a browser be told, as long as its log-in lasts; again with the same address renews it."""
    settings, identity = services().settings, current_identity()
    endpoint, keys = asked["endpoint"], asked["keys"]
    if not is_endpoint(endpoint, spares_loopback=not settings.is_production):
        raise ValidationError("Not the https address of a push service.", "endpoint")
    point = _decoded(keys["p256dh"])
    if len(point) != POINT_BYTES or point[0] != 4:
        raise ValidationError("Not a public key.", "keys.p256dh")
    if len(_decoded(keys["auth"])) != SECRET_BYTES:
        raise ValidationError("Not a secret of 16 bytes.", "keys.auth")
    browser = Browser(endpoint, keys["p256dh"], keys["auth"], request.user_agent.string[:200])
    return answer(show(subscribe(services().context, identity.user_id, identity.family, browser)), 201)


@blueprint.get("")
@signed_in
@blueprint.response(200, SubscriptionsSchema)
def list_own() -> Response:
    """List the browsers that are told."""
    found = list_subscriptions(services().context, current_identity().user_id)
    push = services().settings.push
    key = push.public_key if push else None
    return answer({"items": [show(one) for one in found], "next_cursor": None, "public_key": key})


@blueprint.delete("/<uuid:subscription_id>")
@signed_in
@blueprint.response(204)
def remove(subscription_id: uuid.UUID) -> None:
    """Tell a browser nothing more."""
    unsubscribe(services().context, current_identity().user_id, subscription_id)


def show(subscription: PushSubscription) -> Message:
    """Describe a browser without its secrets."""
    return {
        "id": str(subscription.id),
        "service": origin_of(subscription.endpoint),
        "user_agent": subscription.user_agent,
        "created_at": rfc3339(subscription.created_at),
    }


def _decoded(key: str) -> bytes:
    """Read URL-safe Base64, with or without its padding; nothing where it is none."""
    try:
        return base64.b64decode(
            key.rstrip("=").encode() + b"=" * (-len(key.rstrip("=")) % 4), b"-_", validate=True
        )
    except (ValueError, binascii.Error):
        return b""
