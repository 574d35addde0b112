"""Renders a problem (RFC 9457) as a page when a person, and not a program, asked."""

from typing import Any, Final

from flask import Response, render_template, request
from flask_babel import gettext

from models.languages import SOURCE
from web.http.errors import PROBLEM_TYPE
from web.http.openapi import PREFIX
from web.shop.languages import N_, chosen, said

_HEADLINES: Final = {
    401: N_("Please log in"),
    403: N_("This page is not for you"),
    404: N_("There is nothing here"),
    405: N_("That cannot be done here"),
    429: N_("A little slower, please"),
    503: N_("We will be right back"),
}
_FACTOR: Final = "second_factor_missing"
_NEEDS_FACTOR: Final = N_("Staff need a second factor here")
_BROKEN: Final = N_("Something broke on our side")
_DID_NOT_WORK: Final = N_("That did not work")
_EXPLANATIONS: Final = {
    404: N_("The page may have moved, or the link was not quite right."),
    500: N_("It was written down. What you had in line or on order is not affected."),
    503: N_("A part of the shop cannot be reached for a moment. What you had in line or on order is safe."),
}


def make_readable(response: Response) -> Response:
    """Turn a problem into a page for a visitor with a browser; the API stays as it is."""
    if response.status_code < 400 or response.mimetype != PROBLEM_TYPE or not _is_for_a_person():
        return response
    problem: dict[str, Any] = response.get_json(silent=True) or {}
    status = response.status_code
    needs_factor = problem.get("code") == _FACTOR
    headline = _HEADLINES.get(status) or (_BROKEN if status >= 500 else _DID_NOT_WORK)
    page = render_template(
        "problem.html",
        status=status,
        needs_factor=needs_factor,
        headline=gettext(_NEEDS_FACTOR if needs_factor else headline),
        explanation=_explain(status, problem.get("detail", "")),
    )
    response.set_data(page)
    response.mimetype = "text/html"
    return response


def _explain(status: int, detail: str) -> str:
    """Say more than the headline; the API's own words are English, and told in English alone."""
    if status in _EXPLANATIONS:
        return said(_EXPLANATIONS[status])
    return detail if chosen() == SOURCE else ""


def _is_for_a_person() -> bool:
    if request.method not in {"GET", "HEAD"} or request.path.startswith(f"{PREFIX}/"):
        return False
    # What is named first wins a tie, so that `Accept: */*` gets the problem.
    offered = (PROBLEM_TYPE, "application/json", "text/html")
    return request.accept_mimetypes.best_match(offered) == "text/html"
