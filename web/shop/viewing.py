"""Who looks at a page, and pages that are shown to who is logged in."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from flask import redirect, request
from werkzeug.wrappers import Response

from web.auth.identity import identity_if_any
from web.auth.tokens import Identity
from web.http.errors import Problem

P = ParamSpec("P")
Answer = Response | str


def viewer() -> Identity | None:
    """Who is logged in; None where the cookie is missing or not valid."""
    try:
        return identity_if_any()
    except Problem:
        return None


def own_page(view: Callable[Concatenate[Identity, P], Answer]) -> Callable[P, Answer]:
    """Show a page to who is logged in, as its first argument; a guest is sent to log in, and back."""

    @wraps(view)
    def shown(*args: P.args, **kwargs: P.kwargs) -> Answer:
        identity = viewer()
        if identity is None:
            return redirect(f"/login?next={request.path}", 303)
        return view(identity, *args, **kwargs)

    return shown
