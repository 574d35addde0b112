"""Schemas of accounts and tokens."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from models.enums import StaffRole
from web.api.schemas.fields import Line, Strict, Text

MAX_EMAIL = 254  # characters (RFC 5321, section 4.5.3.1.3)
MAX_CODE = 64  # characters; 6 digits, or 16 letters in groups


class EmailAddress(Text):
    """An address in ASCII and lower case, so that one mailbox is one account."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        address = super()._deserialize(value, attr, data, **kwargs).strip().lower()
        if not address.isascii():
            raise ValidationError("Not a valid email address.")
        return address


class RegisterSchema(Strict):
    """A new account."""

    email = EmailAddress(
        required=True,
        validate=[validate.Length(max=MAX_EMAIL), validate.Email()],
        metadata={"format": "email", "example": "ada@example.com"},
    )
    password = fields.String(required=True, validate=validate.Length(8, 128), metadata={"format": "password"})
    name = Line(load_default="", validate=validate.Length(max=100))


class LoginSchema(Strict):
    """Credentials; whether they can be an account's at all is not told apart from whether they are."""

    email = EmailAddress(required=True, validate=validate.Length(1, MAX_EMAIL), metadata={"format": "email"})
    password = fields.String(required=True, validate=validate.Length(1, 128), metadata={"format": "password"})
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
