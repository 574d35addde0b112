"""The schema of problems, for the documentation only: `web.http.errors` writes them."""

from marshmallow import Schema, fields


class ProblemSchema(Schema):
    """RFC 9457 problem details, with a code for programs."""

    type = fields.String(required=True, metadata={"example": "urn:flash-sale:problem:not_found"})
    title = fields.String(required=True, metadata={"example": "Not Found"})
    status = fields.Integer(required=True, metadata={"example": 404})
    detail = fields.String(required=True, metadata={"description": "What went wrong, for people."})
    code = fields.String(required=True, metadata={"description": "What went wrong, for programs."})
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "Messages by field, when fields are not valid."},
    )
    intent = fields.Dict(metadata={"description": "The intent that is in line (`already_in_line`)."})
