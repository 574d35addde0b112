"""What every answer has, whichever route it comes from."""

import re

import pytest
from flask import request
from flask.testing import FlaskClient

from models import errors as domain
from models.enums import SaleStatus
from tests.integration.conftest import Account, MakeApp
from web.http.errors import code_of

OWN_ID = re.compile(r"[0-9a-f]{24}").fullmatch
PATHS = [
    "/healthz",
    "/api/v1/products",
    "/api/v1/me",
    "/nowhere",
    "/docs",
    "/metrics",
    "/api/v1/openapi.json",
]
TOLD = [
    (domain.NotFound(), 404, "not_found"),
    (domain.NoSuchSale(), 404, "no_such_sale"),
    (domain.SaleNotOpen(), 409, "not_open"),
    (domain.SaleOver(), 410, "sale_over"),
    (domain.AlreadyInLine({"id": "x"}), 409, "already_in_line"),
    (domain.LimitReached(), 409, "limit_reached"),
    (domain.IdempotencyKeyReused(), 422, "idempotency_key_reused"),
    (domain.AlreadyDecided(), 409, "already_decided"),
    (domain.IllegalTransition(SaleStatus.OPEN, SaleStatus.OPEN), 409, "illegal_transition"),
    (domain.AllocationTooSmall(), 409, "allocation_too_small"),
    (domain.EmailTaken(), 409, "email_taken"),
    (domain.ProductInUse(), 409, "product_in_use"),
    (domain.LineUnavailable(), 503, "line_unavailable"),
    (domain.LateSubmission(), 503, "line_unavailable"),
    (domain.LedgerUnavailable(), 503, "ledger_unavailable"),
    (RuntimeError("secret internals"), 500, "internal_error"),
]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_is_safe_to_show_and_can_be_traced(client: FlaskClient, path: str) -> None:
    headers = client.get(path, buffered=True).headers
    assert OWN_ID(headers["X-Request-ID"])
    assert headers["X-Content-Type-Options"] == "nosniff"
    if headers["Content-Type"] in ("application/json", "application/problem+json"):
        return  # no browser shows these as a document
    assert headers["Referrer-Policy"] == "same-origin"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy  # so that 'self' holds for scripts, and nothing inline
    assert len(headers.getlist("X-Request-ID")) == 1


@pytest.mark.parametrize("given", ["abc-123", "A" * 128, "00-4bf92f3577b34da6a3ce929d0e0e4736-01"])
def test_a_sane_request_id_is_kept(client: FlaskClient, given: str) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "A" * 129, "a b", "é", "<script>", 'a"b', "a;b"])
def test_any_other_request_id_is_replaced(client: FlaskClient, given: str) -> None:
    assert OWN_ID(client.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"])


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "PROPFIND"])
def test_a_method_that_is_not_there_is_told_with_those_that_are(client: FlaskClient, method: str) -> None:
    answer = client.open("/api/v1/products", method=method)
    assert (answer.status_code, answer.get_json()["code"]) == (405, "method_not_allowed")
    assert {"GET", "POST"} <= set(answer.headers["Allow"].replace(" ", "").split(","))


@pytest.mark.parametrize(("error", "status", "code"), TOLD)
def test_every_error_of_the_domain_is_told_as_a_problem(
    make_app: MakeApp, error: Exception, status: int, code: str
) -> None:
    app = make_app()

    @app.get("/broken")
    def broken() -> str:
        raise error

    answer = app.test_client().get("/broken")
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert answer.content_type == "application/problem+json"
    assert b"secret internals" not in answer.data
    assert ("Retry-After" in answer.headers) == (status == 503)
    assert ("intent" in answer.get_json()) == (code == "already_in_line")


def test_every_error_of_the_domain_has_a_word_and_a_status() -> None:
    kinds = [domain.FlashSaleError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    told = [kind for kind in kinds[1:] if kind.__module__ == domain.__name__]
    untold = {kind.__name__ for kind in told if code_of(_bare(kind))[1] == "internal_error"}
    assert not untold


def test_products_are_a_503_while_the_ledger_is_away(make_app: MakeApp) -> None:
    app = make_app(database_url="postgresql+psycopg://app@/app?host=/nowhere")
    answer = app.test_client().get("/api/v1/products")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "ledger_unavailable")
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_forwarded_address_counts_only_behind_a_trusted_proxy(make_app: MakeApp) -> None:
    for proxies, seen in ((0, "127.0.0.1"), (1, "203.0.113.9"), (2, "198.51.100.1")):
        app = make_app(trusted_proxies=proxies)
        app.add_url_rule("/whence", view_func=lambda: str(request.remote_addr))
        headers = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}
        assert app.test_client().get("/whence", headers=headers).text == seen


def test_an_answer_with_tokens_is_not_kept_by_caches(client: FlaskClient, shopper: Account) -> None:
    answer = client.post("/api/v1/auth/refresh", headers=shopper.refresh_headers)
    assert answer.headers["Cache-Control"] == "no-store"


def _bare(kind: type[domain.FlashSaleError]) -> domain.FlashSaleError:
    made = kind.__new__(kind)
    Exception.__init__(made, "x")
    return made
