"""What operators and readers ask: health, readiness, metrics, the document and its pages."""

import gzip
import re
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from tests.integration.conftest import MakeApp
from web.health.readiness import DURABLE, Readiness
from web.http.services import EXTENSION

NOWHERE = "postgresql+psycopg://app@/app?host=/nowhere"


def document(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/v1/openapi.json").get_json()
    return found


def test_alive_means_that_the_process_answers(make_app: MakeApp) -> None:
    answer = make_app(database_url=NOWHERE, redis_url="unix:///nowhere.sock").test_client().get("/healthz")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})


def test_ready_tells_of_every_dependency(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    checks = answer.get_json()["checks"]
    assert set(checks) == {"database", "redis", "redis_durability", "broker"}
    assert all(checks[name]["ok"] for name in ("database", "redis", "broker")), checks
    assert (answer.get_json()["status"] == "ready") == (answer.status_code == 200)


@pytest.mark.parametrize(
    ("change", "failing"),
    [
        ({"database_url": NOWHERE}, {"database"}),
        ({"redis_url": "unix:///nowhere.sock"}, {"redis", "redis_durability"}),
        ({"broker_url": "redis+socket:///nowhere.sock"}, {"broker"}),
    ],
)
def test_a_missing_dependency_is_named(make_app: MakeApp, change: dict[str, Any], failing: set[str]) -> None:
    answer = make_app(**change).test_client().get("/readyz")
    checks = answer.get_json()["checks"]
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    assert {name for name, check in checks.items() if not check["ok"]} == failing


def test_who_is_about_to_stop_is_not_ready(make_app: MakeApp) -> None:
    app = make_app()
    app.extensions["is_leaving"] = lambda: True  # as deploy/server/gunicorn.py gives it
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, set(answer.get_json()["checks"])) == (503, {"process"})


@pytest.mark.parametrize("environment", ["development", "production"])
def test_a_redis_that_may_forget_is_no_redis_for_production(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    monkeypatch.setitem(DURABLE, "appendfsync", "never heard of")
    answer = make_app(environment=environment).test_client().get("/readyz")
    check = answer.get_json()["checks"]["redis_durability"]
    assert check["ok"] == (environment == "development")
    assert "appendfsync is" in check["detail"]
    assert answer.status_code == (200 if check["ok"] else 503)


def test_a_redis_that_hides_its_settings_is_unknown(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: Any, **_kwargs: Any) -> None:
        raise redis.ResponseError("unknown command 'CONFIG'")

    monkeypatch.setattr(redis.Redis, "config_get", refuse)
    check = Readiness(app.extensions[EXTENSION]).check()["redis_durability"]
    assert (check.ok, check.detail.startswith("unknown")) == (True, True)


def test_metrics_count_by_route_and_never_by_path(client: FlaskClient) -> None:
    for number in range(3):
        client.get(f"/nowhere/{number}")
        client.get(f"/api/v1/products/00000000-0000-0000-0000-00000000000{number}")
    client.open("/healthz", method="FROBNICATE")
    text = client.get("/metrics").text
    assert 'route="/api/v1/products/<uuid:product_id>",status="404"' in text
    assert 'route="unmatched"' in text
    assert 'method="other"' in text
    assert not re.search(r"nowhere|FROBNICATE|0000-0000", text)
    assert "http_request_seconds_bucket" in text


def test_the_metrics_are_packed_for_who_can_unpack_them(client: FlaskClient) -> None:
    packed = client.get("/metrics", headers={"Accept-Encoding": "gzip"})
    assert (packed.headers["Content-Encoding"], packed.headers["Vary"]) == ("gzip", "Accept-Encoding")
    names = re.findall(rb"^# HELP (\w+)", gzip.decompress(packed.data), re.MULTILINE)
    assert names == re.findall(rb"^# HELP (\w+)", client.get("/metrics").data, re.MULTILINE)


def test_the_document_lists_every_route_of_the_api(app: Flask, client: FlaskClient) -> None:
    told = document(client)["paths"]
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/api/v1/") or rule.rule.endswith("openapi.json"):
            continue
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        assert {method.lower() for method in methods} <= set(told[path]), path


def test_the_document_is_sound(client: FlaskClient) -> None:
    told = document(client)
    assert told["openapi"] == "3.0.3"
    components = told["components"]
    for reference in set(re.findall(r'"#/components/(\w+)/(\w+)"', client.get("/api/v1/openapi.json").text)):
        assert reference[1] in components[reference[0]]
    for path, operations in told["paths"].items():
        for name in re.findall(r"\{(\w+)\}", path):
            listed = operations.get("parameters", []) + [
                parameter
                for one in operations.values()
                if isinstance(one, dict)
                for parameter in one.get("parameters", [])
            ]
            assert any(one["name"] == name and one["in"] == "path" for one in listed), path


def test_every_route_documents_that_it_fails_with_a_problem(client: FlaskClient) -> None:
    told = document(client)
    problem = told["components"]["responses"]["DEFAULT_ERROR"]["content"]
    assert list(problem) == ["application/problem+json"]
    for path, operations in told["paths"].items():
        for method, operation in operations.items():
            if method == "parameters":
                continue
            assert operation["responses"]["default"] == {"$ref": "#/components/responses/DEFAULT_ERROR"}, path
            assert operation["summary"], path


def test_the_docs_need_nothing_from_elsewhere(client: FlaskClient) -> None:
    page = client.get("/docs", buffered=True)
    assert page.status_code == 200
    assert "//" not in page.text.replace("<!doctype", "")
    assert "<script>" not in page.text
    for link in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert client.get(link, buffered=True).status_code == 200, link
    assert "'unsafe-inline'" not in page.headers["Content-Security-Policy"].partition("style-src")[0]


@pytest.mark.parametrize("name", ["index.html", "..%2finit.py", "__init__.py", "%00", "swagger-ui.js.map"])
def test_the_docs_give_out_their_own_files_only(client: FlaskClient, name: str) -> None:
    assert client.get(f"/docs/assets/{name}").status_code == 404
