"""flask-smorest with our rules: how the documented routes read, answer and describe themselves."""

import http
import threading
import typing
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

import flask
import marshmallow as ma
import orjson
from flask import request
from flask_smorest import Api as SmorestApi
from flask_smorest import Blueprint as SmorestBlueprint
from flask_smorest.utils import prepare_response
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from web.api.schemas.problems import ProblemSchema
from web.http.errors import PROBLEM_TYPE, Problem
from web.http.request_id import MAX_BODY_BYTES

PREFIX: Final = "/api/v1"
JSON: Final = "application/json"

View = TypeVar("View", bound=Callable[..., Any])


def read_json() -> Any:
    """Read the request's body as JSON; an empty body is an empty object.

    Raises:
        Problem: 400 `malformed_json`, or 415 when something comes that does not say that it is JSON.
        RequestEntityTooLarge: it is longer than `MAX_BODY_BYTES`.
    """
    body = read_body()
    if not body:
        return {}
    if request.environ.get("CONTENT_TYPE") != JSON and request.mimetype != JSON:
        raise Problem(415, "unsupported_media_type", "Send the body as application/json.")
    return parse_json(body)


def read_body() -> bytes:
    """Read the request's body as it came.

    Raises:
        RequestEntityTooLarge: it is longer than `MAX_BODY_BYTES`.
        ClientDisconnected: it is shorter than announced.
    """
    body = request.get_data(cache=True)
    announced = request.content_length
    if len(body) >= MAX_BODY_BYTES and announced is None:
        raise RequestEntityTooLarge  # werkzeug cuts a chunked body at its bound and says nothing
    if announced is not None and len(body) < announced:
        raise ClientDisconnected
    return body


def read_announced(length: int) -> bytes:
    """Read a short body of the length that was announced, past werkzeug's layers.

    Raises:
        ClientDisconnected: less came.
    """
    try:
        body: bytes = request.environ["wsgi.input"].read(length)
    except OSError as error:
        raise ClientDisconnected from error
    if len(body) < length:
        raise ClientDisconnected
    return body


def parse_json(body: bytes) -> Any:
    """Read JSON; nothing is an empty object.

    Raises:
        Problem: 400 `malformed_json`.
    """
    if not body:
        return {}
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(400, "malformed_json", f"The body is not JSON: {error.msg}.") from error


class StrictParser(FlaskParser):
    """Reads JSON strictly and leaves the telling of errors to `web.http.errors`."""

    def _raw_load_json(self, req: flask.Request) -> Any:  # noqa: ARG002 - there is only one request
        return read_json()

    def handle_error(self, error: ma.ValidationError, *_args: Any, **_kwargs: Any) -> typing.NoReturn:
        """Raise the error itself, without the name of the place that webargs wrapped it in."""
        messages = error.messages
        if isinstance(messages, dict) and len(messages) == 1:
            messages = next(iter(messages.values()))
        raise ma.ValidationError(messages) from error


class Blueprint(SmorestBlueprint):  # type: ignore[misc]  # flask-smorest has no types
    """A documented blueprint whose bodies are read strictly. The methods add types to flask-smorest's."""

    ARGUMENTS_PARSER = StrictParser()

    def arguments(self, schema: type[ma.Schema], **options: Any) -> Callable[[View], View]:
        """Read the body (or `location="query"`) by a schema and hand it to the view first."""
        decorate: Callable[[View], View] = super().arguments(schema, **options)
        return decorate

    def response(
        self, status: int, schema: type[ma.Schema] | None = None, **options: Any
    ) -> Callable[[View], View]:
        """Write what the view returns by a schema."""
        decorate: Callable[[View], View] = super().response(status, schema, **options)
        return decorate

    def alt_response(
        self, status: int, schema: type[ma.Schema] | None = None, **options: Any
    ) -> Callable[[View], View]:
        """Document another answer."""
        decorate: Callable[[View], View] = super().alt_response(status, schema=schema, **options)
        return decorate

    def doc(self, **options: Any) -> Callable[[View], View]:
        """Add to the documentation by hand."""
        decorate: Callable[[View], View] = super().doc(**options)
        return decorate

    def route(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Register a view."""
        decorate: Callable[[View], View] = super().route(rule, **options)
        return decorate

    def get(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Register a view for GET."""
        return self.route(rule, methods=["GET"], **options)

    def post(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Register a view for POST."""
        return self.route(rule, methods=["POST"], **options)

    def put(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Register a view for PUT."""
        return self.route(rule, methods=["PUT"], **options)

    def patch(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Register a view for PATCH."""
        return self.route(rule, methods=["PATCH"], **options)

    def delete(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Register a view for DELETE."""
        return self.route(rule, methods=["DELETE"], **options)


class Api(SmorestApi):  # type: ignore[misc]  # flask-smorest has no types
    """Documents errors as problems; `web.http.errors` handles them.

    Describing all routes takes half of an app's start, so it waits until somebody reads the `spec`.
    """

    ERROR_SCHEMA = ProblemSchema

    def __init__(self, app: flask.Flask, *, spec_kwargs: dict[str, Any]) -> None:
        self._spec: Any = None
        self._undescribed: list[Callable[[], None]] = []
        self._describing = threading.RLock()
        super().__init__(app, spec_kwargs=spec_kwargs)

    @property
    def spec(self) -> Any:
        """The description of the whole API, apispec's."""
        self.describe_all()
        return self._spec

    @spec.setter
    def spec(self, spec: Any) -> None:
        self._spec = spec

    def register_blueprint(self, blp: "Blueprint", **options: Any) -> None:
        """Register a blueprint now, and describe it later; see the base class."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blp.name] = self
        self._app.register_blueprint(blp, **options)
        self._undescribed.append(partial(self._describe, blp))

    def describe_all(self) -> None:
        """Describe what is not described yet."""
        with self._describing:
            while self._undescribed:
                self._undescribed.pop(0)()

    def _describe(self, blp: "Blueprint") -> None:
        blp.register_views_in_doc(self, self._app, self._spec, name=blp.name, parameters=None)
        self._spec.tag({"name": blp.name, "description": blp.description})

    def _register_error_handlers(self) -> None:
        """Leave errors to `web.http.errors`."""

    def _register_responses(self) -> None:
        for status in http.HTTPStatus:
            response: dict[str, Any] = {"description": status.phrase}
            if status >= 400:
                response["schema"] = self.ERROR_SCHEMA
            prepare_response(response, self.spec, PROBLEM_TYPE)
            self.spec.components.response(status.name, response, lazy=True)
        default = {"description": "A problem", "schema": self.ERROR_SCHEMA}
        prepare_response(default, self.spec, PROBLEM_TYPE)
        self.spec.components.response("DEFAULT_ERROR", default, lazy=True)
