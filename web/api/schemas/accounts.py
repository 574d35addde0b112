"""Schemas of accounts and tokens."""

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from marshmallow import Schema, ValidationError, fields, validate

from models.enums import StaffRole
from models.languages import has_catalogue
from web.api.schemas.fields import Flag, Line, Strict, Text, UtcTime

MAX_EMAIL = 254  # characters (RFC 5321, section 4.5.3.1.3)
LEAST_PASSWORD = 8  # characters
MAX_PASSWORD = 1_000  # characters
MAX_CODE = 64  # characters; 6 digits, or 16 letters in groups


def _is_spoken(language: str) -> None:
    if not has_catalogue(language):
        raise ValidationError("No page is written in this language.")


def _is_time_zone(name: str) -> None:
    if name not in time_zones():
        raise ValidationError("Not a time zone, e.g. Europe/Berlin.")


@cache
def time_zones() -> frozenset[str]:
    """Every time zone that is known here; found once, since they are looked for on the disk."""
    return frozenset(available_timezones())


class EmailAddress(Text):
    """An address in ASCII and lower case, so that one mailbox is one account."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        address = super()._deserialize(value, attr, data, **kwargs).strip().lower()
        if not address.isascii():
            raise ValidationError("Not a valid email address.")
        return address


class NewEmailAddress(EmailAddress):
    """An address that is to be an account's."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            validate=[validate.Length(max=MAX_EMAIL), validate.Email()],
            metadata={"format": "email", "example": "ada@example.com"},
            **kwargs,
        )


class NewPassword(fields.String):
    """A password that is to be an account's. Nothing of it is cut off; others judge how good it is."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            validate=validate.Length(LEAST_PASSWORD, MAX_PASSWORD), metadata={"format": "password"}, **kwargs
        )


class Language(fields.String):
    """A language that pages and mails speak."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=_is_spoken, allow_none=True, metadata={"example": "de"}, **kwargs)


class TimeZone(fields.String):
    """A name of the IANA time zone database."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            validate=_is_time_zone, allow_none=True, metadata={"example": "Europe/Berlin"}, **kwargs
        )


class RegisterSchema(Strict):
    """A new account."""

    email = NewEmailAddress(required=True)
    password = NewPassword(required=True)
    name = Line(load_default="", validate=validate.Length(max=100))
    language = Language(load_default=None)
    time_zone = TimeZone(load_default=None)
    accept_terms = Flag(
        load_default=False, metadata={"description": "Required where the shop has a version of its terms."}
    )


class LoginSchema(Strict):
    """Credentials; whether they can be an account's at all is not told apart from whether they are."""

    email = EmailAddress(required=True, validate=validate.Length(1, MAX_EMAIL), metadata={"format": "email"})
    password = fields.String(
        required=True, validate=validate.Length(1, MAX_PASSWORD), metadata={"format": "password"}
    )
    code = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(1, MAX_CODE),
        metadata={"description": "Of the second factor, or a recovery code; asked for where there is one."},
    )


class UserSchema(Schema):
    """An account as its owner sees it."""

    id = fields.UUID(required=True)
    email = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True, metadata={"enum": ["shopper", "admin"]})
    staff_role = fields.String(
        required=True, allow_none=True, metadata={"enum": [one.value for one in StaffRole]}
    )

    email_verified = fields.Boolean(required=True)
    language = fields.String(required=True, allow_none=True)
    time_zone = fields.String(required=True, allow_none=True)
    terms_version = fields.String(
        allow_none=True, metadata={"description": "Which version of the terms was accepted last."}
    )


class AccountPatchSchema(Strict):
    """Changes of one's account; what is not named stays, and null is what the browser says."""

    name = Line(validate=validate.Length(max=100))
    language = Language()
    time_zone = TimeZone()
    email = NewEmailAddress()
    password = NewPassword()
    current_password = fields.String(
        validate=validate.Length(max=MAX_PASSWORD),
        metadata={"format": "password", "description": "Wanted for a new password or address."},
    )


class SessionSchema(Schema):
    """One of one's log-ins. `network` is the address, of IPv6 the network of one customer."""

    id = fields.UUID(required=True, attribute="row.id")
    created_at = UtcTime(required=True, attribute="row.created_at")
    last_used_at = UtcTime(required=True, allow_none=True, attribute="row.last_used_at")
    user_agent = fields.String(required=True, attribute="row.user_agent")
    network = fields.String(required=True, attribute="row.network")
    current = fields.Boolean(required=True)


class SessionsSchema(Schema):
    """One's log-ins that are good."""

    items = fields.List(fields.Nested(SessionSchema), required=True)


class AskedAddressSchema(Strict):
    """An address that a link is asked for; whether it can be an account's at all is not told."""

    email = EmailAddress(required=True, validate=validate.Length(1, MAX_EMAIL), metadata={"format": "email"})


class LinkSchema(Strict):
    """The token of a link that was mailed."""

    token = fields.String(required=True, validate=validate.Length(1, 200))


class NewPasswordSchema(LinkSchema):
    """The token of a link that was mailed, and the password to set."""

    password = NewPassword(required=True)


class AddressSchema(Schema):
    """An address that is confirmed."""

    email = fields.String(required=True)
    email_verified = fields.Boolean(required=True)


class UserAnswerSchema(Schema):
    """An account, wrapped."""

    user = fields.Nested(UserSchema, required=True)


class TokensSchema(Schema):
    """What a log-in gives."""

    access_token = fields.String(required=True)
    refresh_token = fields.String(required=True)
    token_type = fields.String(required=True, metadata={"enum": ["Bearer"]})
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds to live."})
    user = fields.Nested(UserSchema, required=True)
