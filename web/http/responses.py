"""Answers with the JSON that `models.messages` builds, past the schemas that document it."""

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Response, request
from werkzeug.exceptions import PreconditionFailed

from web.http.paging import Page
from web.http.reply import Answer, Reply


def reply_with(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Reply with a JSON body."""
    return reply_packed(orjson.dumps(body), status, headers)


def reply_packed(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Reply with JSON that is packed already."""
    about = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
    return Reply(status, list(about.items()), body)


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with a JSON body."""
    return Answer(reply_with(body, status, headers))


def packed(body: bytes) -> Response:
    """Answer with JSON that is packed already."""
    return Answer(reply_packed(body))


def page(found: Page) -> Response:
    """Answer with a page of a list."""
    return answer({"items": found.items, "next_cursor": found.next_cursor})


def conditionally(response: Response) -> Response:
    """Answer with a file, or only with that it is the one that the client has.

    Raises:
        PreconditionFailed: the client wants it only if it is another.
    """
    response.make_conditional(request)
    if response.status_code == PreconditionFailed.code:
        raise PreconditionFailed
    return response
