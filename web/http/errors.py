"""Gives every failure one shape, RFC 9457 problem details. Only here do errors get their HTTP codes."""

import http
import logging
import math
from collections.abc import Callable
from typing import Any, Final

import orjson
from flask import Flask, Response
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException, InternalServerError

from models import errors as domain
from tasks.providers.port import BadSignature
from web.http.reply import Answer, Reply

PROBLEM_TYPE: Final = "application/problem+json"
_SIGN_IN: Final = "Sign in first."
_FIELDS: Final = "Some fields are not valid."
_CHALLENGE: Final = 'Bearer realm="flash-sale"'  # words for people stand in the body, which can hold them all
RETRY_AFTER_S: Final = 1  # seconds; what 429 and 503 say when nothing better is known

log = logging.getLogger(__name__)


class Problem(Exception):
    """A failure that belongs to HTTP and not to the domain."""

    def __init__(
        self, status: int, code: str, detail: str, *, headers: dict[str, str] | None = None, **extra: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers
        self.extra = extra


class Unauthenticated(Problem):
    """Nobody is signed in, or the token is not valid."""

    def __init__(self, detail: str = _SIGN_IN, code: str = "unauthenticated") -> None:
        challenge = _CHALLENGE if detail == _SIGN_IN else f'{_CHALLENGE}, error="invalid_token"'
        super().__init__(401, code, detail, headers={"WWW-Authenticate": challenge})


class Forbidden(Problem):
    """The user is known, and may not do this."""

    def __init__(self, detail: str = "This is not yours to do.", code: str = "forbidden") -> None:
        super().__init__(403, code, detail)


class TooManyRequests(Problem):
    """A limit was passed; `retry_after_s` says when it will let through again."""

    def __init__(self, retry_after_s: float, detail: str = "Too many requests; slow down.") -> None:
        super().__init__(429, "too_many_requests", detail, headers=_wait(retry_after_s))


class Busy(Problem):
    """There is more to do than there is room for now; `retry_after_s` says when it is worth coming again."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(
            503, "busy", "Too many people are signing in; try again.", headers=_wait(retry_after_s)
        )


def _wait(seconds: float) -> dict[str, str]:
    return {"Retry-After": str(max(1, math.ceil(seconds)))}


_DOMAIN: Final[dict[type[domain.FlashSaleError], tuple[int, str, str]]] = {
    domain.NotFound: (404, "not_found", "There is no such thing, or it is not yours to see."),
    domain.NoSuchSale: (404, "no_such_sale", "There is no such sale."),
    domain.SaleNotOpen: (409, "not_open", "The sale takes no intents at the moment."),
    domain.SaleOver: (410, "sale_over", "The sale is over."),
    domain.AlreadyInLine: (409, "already_in_line", "You stand in this sale's line already."),
    domain.CameTooOften: (429, "too_many_requests", "Wait a little before you come again."),
    domain.LimitReached: (409, "limit_reached", "This would exceed the sale's limit for one shopper."),
    domain.IdempotencyKeyReused: (
        422,
        "idempotency_key_reused",
        "This Idempotency-Key was used with another body.",
    ),
    domain.AlreadyDecided: (409, "already_decided", "The intent has its verdict already."),
    domain.OrderNotHeld: (409, "order_not_held", "The order is not a hold any more."),
    domain.PaymentInProgress: (409, "payment_in_progress", "A payment of this order is under way."),
    domain.AlreadyPaid: (409, "already_paid", "The order is paid already."),
    domain.UnknownPaymentMethod: (422, "unknown_method", "The payment provider does not know this method."),
    domain.NotRefundable: (409, "not_refundable", "The order is not paid, so there is nothing to give back."),
    domain.IllegalTransition: (409, "illegal_transition", "The sale's status does not allow this."),
    domain.BadSale: (422, "invalid_fields", _FIELDS),
    domain.AllocationTooSmall: (
        409,
        "allocation_too_small",
        "The allocation would be below what is held and sold.",
    ),
    domain.PreconditionFailed: (
        412,
        "precondition_failed",
        "Somebody changed this since you saw it; read it again.",
    ),
    BadSignature: (400, "bad_signature", "This is not a webhook of this provider."),
    domain.LinkSpent: (410, "link_spent", "This link was used before, or has expired; ask for a new one."),
    domain.EmailNotVerified: (
        403,
        "email_not_verified",
        "This sale asks for a confirmed e-mail address; confirm yours by the link in the mail.",
    ),
    domain.AskedTooOften: (429, "too_many_requests", "A link was mailed a moment ago; wait a little."),
    domain.EmailTaken: (409, "email_taken", "An account with this e-mail address exists."),
    domain.BadCredentials: (401, "bad_credentials", "E-mail and password do not belong together."),
    domain.BadCode: (401, "bad_code", "The code is wrong, or was used before."),
    domain.SecondFactorRequired: (401, "second_factor_required", "The code of your second factor is needed."),
    domain.SecondFactorOn: (409, "second_factor_on", "Your account has a second factor already."),
    domain.NoSecondFactor: (409, "no_second_factor", "The account has no second factor."),
    domain.OwnSecondFactor: (409, "own_second_factor", "Switch your own second factor off with a code."),
    domain.ConfirmationRequired: (403, "confirmation_required", "Confirm that it is you, then ask again."),
    domain.SecondFactorMissing: (403, "second_factor_missing", "Staff need a second factor: switch it on."),
    domain.Banned: (403, "banned", "This account is banned; please write to the shop."),
    domain.AlreadyStaff: (409, "already_staff", "This account is among the staff already."),
    domain.LastOwner: (409, "last_owner", "Somebody has to be an owner: make another one first."),
    domain.CannotBan: (409, "cannot_ban", "An admin's account cannot be banned."),
    domain.TermsNotAccepted: (422, "terms_not_accepted", "Accept the shop's terms first."),
    domain.TooManyCopies: (429, "too_many_requests", "You asked for as many as there may be in a day."),
    domain.CannotErase: (409, "cannot_erase", "This account cannot be erased now."),
    domain.NotDone: (503, "not_done", "It is not done yet."),
    domain.NotFailed: (409, "not_failed", "The task did not fail."),
    domain.TokenReused: (401, "token_reused", "This refresh token was spent; sign in again."),
    domain.ProductInUse: (409, "product_in_use", "A sale that is not over sells this product."),
    domain.LineUnavailable: (503, "line_unavailable", "The line cannot be reached; nothing was accepted."),
    domain.LedgerUnavailable: (503, "ledger_unavailable", "The ledger cannot be reached; try again."),
    domain.Unavailable: (503, "unavailable", "A store cannot be reached; try again."),
    domain.Fenced: (503, "line_unavailable", "The sale is being rebuilt; try again."),
    domain.LineDiverged: (503, "line_unavailable", "The sale is being repaired; try again."),
}
_TOLD: Final = (
    domain.IllegalTransition,
    domain.AllocationTooSmall,
    domain.LimitReached,
    domain.ProductInUse,
    domain.CameTooOften,
    domain.CannotErase,
)  # their own words help

_HTTP_CODES: Final = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    414: "uri_too_long",
    415: "unsupported_media_type",
    429: "too_many_requests",
    500: "internal_error",
}
_BROKEN: Final = "Something broke here; it was written down."


def problem_body(status: int, code: str, detail: str, **extra: Any) -> dict[str, Any]:
    """Word a problem; `extra` members stand beside the standard ones."""
    return {
        "type": f"urn:flash-sale:problem:{code}",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        **extra,
    }


def problem(
    status: int, code: str, detail: str, *, headers: dict[str, str] | None = None, **extra: Any
) -> Reply:
    """Reply with a problem. `extra` members stand beside the standard ones, e.g. `intent`."""
    body = orjson.dumps(problem_body(status, code, detail, **extra))
    told = {"Content-Type": PROBLEM_TYPE, "Content-Length": str(len(body)), **(headers or {})}
    if status in {429, 503}:
        told.setdefault("Retry-After", str(RETRY_AFTER_S))
    return Reply(status, list(told.items()), body)


def code_of_status(status: int) -> str:
    """Name a failure of which nothing but its status is known."""
    return _HTTP_CODES.get(status) or http.HTTPStatus(status).name.lower()


def unread(status: int) -> Problem:
    """What is told of a request that never came to the app, for the server could not read it."""
    detail = _BROKEN if status >= 500 else f"{http.HTTPStatus(status).description}."
    return Problem(status, code_of_status(status), detail)


def code_of(error: domain.FlashSaleError) -> tuple[int, str, str]:
    """Look up how an error of the domain is told: (HTTP status, code, detail). The sockets use it too."""
    for kind in type(error).__mro__:
        told = _DOMAIN.get(kind)
        if told is not None:
            own_words = str(error) if isinstance(error, _TOLD) else ""
            return told[0], told[1], own_words or told[2]
    return 500, "internal_error", _BROKEN


def flatten(messages: Any, prefix: str = "") -> dict[str, list[str]]:
    """Turn marshmallow's nested messages into {"price.currency": [message]}."""
    if isinstance(messages, str):
        return {prefix or "_body": [messages]}
    if isinstance(messages, list):
        return {prefix or "_body": [str(message) for message in messages]}
    flat: dict[str, list[str]] = {}
    for name, inner in messages.items():
        path = prefix if name == "_schema" else f"{prefix}.{name}" if prefix else str(name)
        flat.update(flatten(inner, path))
    return flat


def register(app: Flask) -> None:
    """Let the app tell every failure as a problem."""
    for kind, tell_kind in _TELLING:
        app.register_error_handler(kind, _answering(tell_kind))
    app.register_error_handler(HTTPException, _tell_http)
    app.register_error_handler(InternalServerError, lambda _error: Answer(broken()))


def tell(error: Exception) -> Reply:
    """Reply to a request that failed by an error of the `TOLD` kinds, whichever way it came."""
    return next(tell_kind(error) for kind, tell_kind in _TELLING if isinstance(error, kind))


def broken() -> Reply:
    """Reply to a request that failed as nobody foresaw."""
    return problem(500, "internal_error", _BROKEN)


def _answering(tell_kind: Callable[[Any], Reply]) -> Callable[[Any], Response]:
    return lambda error: Answer(tell_kind(error))


def tell_problem(error: Problem) -> Reply:
    """Reply with it."""
    return problem(error.status, error.code, error.detail, headers=error.headers, **error.extra)


def _tell_domain(error: domain.FlashSaleError) -> Reply:
    status, code, detail = code_of(error)
    if status >= 500:
        log.warning("%s: %s", type(error).__name__, error, exc_info=status == 500)
    headers = None
    if status == 401:
        headers = {"WWW-Authenticate": _CHALLENGE}
    elif isinstance(error, domain.PreconditionFailed):
        headers = {"ETag": f'"{error.present}"'}
    elif isinstance(error, domain.CameTooOften | domain.TooManyCopies):
        headers = {"Retry-After": str(error.wait_s)}
    extra = {"intent": error.intent} if isinstance(error, domain.AlreadyInLine) else {}
    return problem(status, code, detail, headers=headers, **extra)


def _tell_fields(error: ValidationError) -> Reply:
    fields = flatten(error.normalized_messages())  # type: ignore[no-untyped-call]
    return problem(422, "invalid_fields", _FIELDS, errors=fields)


def _tell_bad_sale(error: domain.BadSale) -> Reply:
    """Settings that contradict each other are told as a fault of their field."""
    return _tell_fields(ValidationError(str(error), error.field))


def _tell_http(error: HTTPException) -> Response:
    if error.response is not None:
        return error.response  # type: ignore[return-value]  # werkzeug's own, complete as it is
    status = error.code or 500
    headers = {name: value for name, value in error.get_headers() if name.lower() != "content-type"}
    detail = error.description or http.HTTPStatus(status).phrase
    return Answer(problem(status, code_of_status(status), detail, headers=headers))


def _tell_malformed(_error: ParseException) -> Reply:
    """The body's framing is wrong, which gunicorn finds out when the app reads it."""
    return problem(400, "bad_request", "The body is not framed as HTTP/1.1 frames it.")


_TELLING: Final[tuple[tuple[type[Exception], Callable[[Any], Reply]], ...]] = (  # the first that fits
    (Problem, tell_problem),
    (domain.BadSale, _tell_bad_sale),
    (domain.FlashSaleError, _tell_domain),
    (ValidationError, _tell_fields),
    (ParseException, _tell_malformed),
)
TOLD: Final = tuple(kind for kind, _ in _TELLING)
