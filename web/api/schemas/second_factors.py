"""Schemas of second factors, and of what is asked again."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from web.api.schemas.accounts import MAX_CODE, MAX_PASSWORD
from web.api.schemas.fields import Strict, UtcTime


class CodeSchema(Strict):
    """A code of the second factor, or a recovery code."""

    code = fields.String(required=True, validate=validate.Length(1, MAX_CODE))


class ConfirmSchema(Strict):
    """What shows that it is the account's owner: a code where there is a second factor, else the password."""

    password = fields.String(validate=validate.Length(1, MAX_PASSWORD), metadata={"format": "password"})
    code = fields.String(validate=validate.Length(1, MAX_CODE))

    @validates_schema
    def require_one(self, asked: dict[str, str], **_kwargs: Any) -> None:
        """One of the two, and not both.

        Raises:
            ValidationError: there is none, or both are there.
        """
        if len(asked) != 1:
            raise ValidationError("Give either the password or a code.")


class ConfirmedSchema(Schema):
    """Whether a log-in was confirmed lately, and by what it can be."""

    confirmed = fields.Boolean(required=True)
    by = fields.String(required=True, metadata={"enum": ["password", "code"]})


class SecondFactorSchema(Schema):
    """Whether an account has a second factor, since when, and how many recovery codes are left."""

    enabled = fields.Boolean(required=True)
    since = UtcTime(required=True, allow_none=True)
    recovery_codes_left = fields.Integer(required=True)


class NewSecondFactorSchema(Schema):
    """What an authenticator app needs: the secret, the same as `otpauth:` URI, and that as a picture."""

    secret = fields.String(required=True, metadata={"description": "Base32, for typing."})
    uri = fields.String(required=True)
    svg = fields.String(required=True, metadata={"description": "The URI as a QR code: an `<svg>` element."})


class RecoveryCodesSchema(Schema):
    """Codes that take the place of the second factor, each once. They are told this once."""

    recovery_codes = fields.List(fields.String(), required=True)
