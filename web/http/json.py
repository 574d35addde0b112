"""Reads and writes JSON with orjson, which is fast and refuses what is not JSON."""

from typing import Any, Final

import orjson
from flask import Response
from flask.json.provider import JSONProvider

_OPTIONS: Final = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


class OrjsonProvider(JSONProvider):
    """Flask's JSON by orjson: no NaN, no lone surrogates, no bottomless nesting."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Write JSON as text, as templates and clients of Flask expect it."""
        options = _OPTIONS
        if kwargs.get("indent"):
            options |= orjson.OPT_INDENT_2
        if kwargs.get("sort_keys"):
            options |= orjson.OPT_SORT_KEYS
        return orjson.dumps(obj, option=options).decode()

    def loads(self, s: str | bytes, **_kwargs: Any) -> Any:
        """Read JSON.

        Raises:
            orjson.JSONDecodeError: it is not JSON; this is a `ValueError`.
        """
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """Answer with JSON, without a detour over text."""
        body = orjson.dumps(self._prepare_response_obj(args, kwargs), option=_OPTIONS)
        return Response(body, mimetype="application/json")
