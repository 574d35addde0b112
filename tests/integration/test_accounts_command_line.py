"""The command line: admins, crowds and releases."""

import stat
import uuid
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from models.tables.accounts import TokenFamily, User
from tests.integration.conftest import PASSWORD, Account, MakeApp
from web.http.services import Services

LOGIN = "/api/v1/auth/login"
ME = "/api/v1/me"
BOSS = "Boss@Example.com"


def run(app: Flask, *words: str, **options: Any) -> Result:
    return app.test_cli_runner().invoke(args=list(words), **options)


def create_admin(app: Flask, email: str, password: str) -> Result:
    words = ("users", "create-admin", "--email", email)
    return run(app, *words, env={"ADMIN_PASSWORD": password})


def test_an_admin_that_was_made_can_sign_in(app: Flask, client: FlaskClient) -> None:
    assert create_admin(app, BOSS, PASSWORD).exit_code == 0
    answer = client.post(LOGIN, json={"email": "boss@example.com", "password": PASSWORD})
    assert answer.get_json()["user"]["role"] == "admin"


def test_making_the_admin_again_changes_the_password_and_ends_old_log_ins(
    app: Flask, client: FlaskClient
) -> None:
    create_admin(app, BOSS, PASSWORD)
    old = client.post(LOGIN, json={"email": "boss@example.com", "password": PASSWORD}).get_json()
    again = create_admin(app, "boss@example.com", "a better one")
    assert (again.exit_code, "Updated" in again.output) == (0, True)
    bearer = {"Authorization": f"Bearer {old['access_token']}"}
    assert client.get(ME, headers=bearer).status_code == 401
    assert client.post(LOGIN, json={"email": "boss@example.com", "password": PASSWORD}).status_code == 401
    assert (
        client.post(LOGIN, json={"email": "boss@example.com", "password": "a better one"}).status_code == 200
    )


def test_a_shopper_becomes_an_admin(app: Flask, shopper: Account, parts: Services) -> None:
    assert create_admin(app, shopper.email, PASSWORD).exit_code == 0
    with parts.database.transaction() as session:
        assert session.scalar(select(User.role).where(User.id == shopper.id)) == "admin"


def test_a_password_comes_by_pipe_and_never_on_the_command_line(app: Flask, client: FlaskClient) -> None:
    words = ("users", "create-admin", "--email", BOSS)
    told = run(app, *words, "--password", PASSWORD, env={"ADMIN_PASSWORD": ""})
    assert (told.exit_code, "No password on the command line" in told.output) == (2, True)
    assert PASSWORD not in told.output
    assert "--password" not in run(app, *words[:2], "--help").output
    assert run(app, *words, env={"ADMIN_PASSWORD": ""}, input="").exit_code == 1
    assert run(app, *words, env={"ADMIN_PASSWORD": ""}, input=f"{PASSWORD}\n").exit_code == 0
    assert client.post(LOGIN, json={"email": BOSS, "password": PASSWORD}).status_code == 200


def test_production_makes_no_admin_with_a_weak_password(make_app: MakeApp) -> None:
    app = make_app(environment="production")
    told = create_admin(app, BOSS, "password1234")
    assert (told.exit_code, "too weak" in told.output) == (1, True)
    assert create_admin(app, BOSS, PASSWORD).exit_code == 0
    allowed = make_app(environment="production", production_allows=("weak_admin_password",))
    assert create_admin(allowed, BOSS, "password1234").exit_code == 0


@pytest.mark.parametrize("bad", [("x@example.com", "short"), ("no address", PASSWORD)])
def test_a_bad_admin_is_refused(app: Flask, bad: tuple[str, str]) -> None:
    result = create_admin(app, *bad)
    assert (result.exit_code, "Not an account" in result.output) == (1, True)


def test_a_crowd_is_signed_in(app: Flask, client: FlaskClient, parts: Services, tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text("what was there before\n")
    path.chmod(0o644)
    assert run(app, "users", "crowd", "--count", "25", "--tokens", str(path)).exit_code == 0
    lines = [line.split(" ") for line in path.read_text().splitlines()]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len({user_id for user_id, _ in lines}) == 25
    for user_id, token in (lines[0], lines[-1]):
        me = client.get(ME, headers={"Authorization": f"Bearer {token}"})
        assert (me.status_code, me.get_json()["id"], me.get_json()["role"]) == (200, user_id, "shopper")
    with parts.database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(TokenFamily)) == 25


def test_one_of_a_crowd_can_log_out(app: Flask, client: FlaskClient, tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    run(app, "users", "crowd", "--count", "1", "--tokens", str(path), "--ttl", "60")
    bearer = {"Authorization": f"Bearer {path.read_text().split()[1]}"}
    assert client.post("/api/v1/auth/logout", headers=bearer).status_code == 204
    assert client.get(ME, headers=bearer).status_code == 401


def test_two_crowds_do_not_meet(app: Flask, tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert run(app, "users", "crowd", "--count", "3", "--tokens", str(tmp_path / name)).exit_code == 0


def test_production_gives_out_no_crowd(make_app: MakeApp, tmp_path: Path, parts: Services) -> None:
    path = tmp_path / "tokens"
    result = run(make_app(environment="production"), "users", "crowd", "--count", "1", "--tokens", str(path))
    assert (result.exit_code, path.exists()) == (1, False)
    with parts.database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(User)) == 0


def test_a_token_file_is_not_written_through_a_link(app: Flask, tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("precious")
    link.symlink_to(target)
    assert run(app, "users", "crowd", "--count", "1", "--tokens", str(link)).exit_code != 0
    assert target.read_text() == "precious"


def test_a_release_makes_the_admin_and_can_be_done_again(make_app: MakeApp) -> None:
    email = f"{uuid.uuid4().hex}@example.com"
    app = make_app(admin_email=email, admin_password=PASSWORD)
    assert run(app, "release").exit_code == 0
    signed_in = app.test_client().post(LOGIN, json={"email": email, "password": PASSWORD}).get_json()
    assert signed_in["user"]["role"] == "admin"
    assert run(app, "release").exit_code == 0
    bearer = {"Authorization": f"Bearer {signed_in['access_token']}"}
    assert app.test_client().get(ME, headers=bearer).status_code == 200


def test_a_release_fills_an_empty_database_with_one_open_sale(app: Flask, client: FlaskClient) -> None:
    for _ in range(2):
        assert run(app, "release").exit_code == 0
    sales = client.get("/api/v1/sales").get_json()["items"]
    assert [sale["status"] for sale in sales] == ["open"]


def test_a_release_leaves_a_database_alone_that_holds_something(
    app: Flask, client: FlaskClient, admin: Account
) -> None:
    lamp = {"name": "Lamp", "list_price": {"amount_minor": 1, "currency": "USD"}}
    assert client.post("/api/v1/products", json=lamp, headers=admin.headers).status_code == 201
    assert run(app, "release").exit_code == 0
    assert client.get("/api/v1/sales").get_json()["items"] == []
