"""Static files are kept for good under an address that changes with them, and asked about under any other."""

import gzip
import os
import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.integration.conftest import MakeApp
from tests.integration.test_pages_shown import Markup, read
from tests.support.polling import eventually
from web.shop.assets import FOLDER, Assets

MODULE = "js/common/layout.js"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "entry.js").write_text('import { one } from "./one.js";\nimport "../far.js";\n')
    (tmp_path / "js" / "one.js").write_text('import {\n  two,\n} from "./two.js";\nimport("./later.js");\n')
    (tmp_path / "js" / "two.js").write_text('import { one } from "./one.js"; // in a circle\n')
    (tmp_path / "js" / "later.js").write_text("")
    (tmp_path / "far.js").write_text("")
    return tmp_path


def address(client: FlaskClient, name: str = MODULE) -> str:
    """Where a page of now finds a file."""
    found = re.search(r"/static/v-[0-9a-f]{12}/", read(client, "/login"))
    assert found is not None
    return found[0] + name


def test_a_file_of_now_is_kept_for_good(client: FlaskClient) -> None:
    answer = client.get(address(client))
    assert answer.data == (FOLDER / MODULE).read_bytes()
    assert answer.mimetype == "text/javascript"
    said = set(answer.headers["Cache-Control"].split(", "))
    assert said == {"public", "max-age=31536000", "immutable"}


@pytest.mark.parametrize("root", ["/static/", "/static/v-000000000000/"])
def test_any_other_address_has_the_file_of_now_and_is_asked_about_each_time(
    client: FlaskClient, root: str
) -> None:
    answer = client.get(root + MODULE)
    assert answer.data == (FOLDER / MODULE).read_bytes()
    assert answer.headers["Cache-Control"] == "no-cache"
    again = client.get(root + MODULE, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_file_is_packed_for_who_can_unpack_it_and_the_two_are_told_apart(client: FlaskClient) -> None:
    plain = client.get(address(client), headers={"Accept-Encoding": "gzip;q=0"})
    packed = client.get(address(client), headers={"Accept-Encoding": "br, gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    assert packed.headers["ETag"] != plain.headers["ETag"]


@pytest.mark.parametrize(
    "name", ["js/nothing.js", "js", "", "../app.py", "v-1/../../app.py", "%2e%2e/app.py"]
)
def test_nothing_else_can_be_fetched(client: FlaskClient, name: str) -> None:
    assert client.get(f"/static/{name}").status_code == 404


def test_a_file_of_now_needs_no_flask_unless_it_is_asked_about_on_a_condition(folder: Path) -> None:
    assets = Assets(folder, are_settled=True)
    asked = {"PATH_INFO": f"{assets.root()}/js/two.js"}
    reply = assets.reply(asked)
    assert reply is not None
    assert reply.body == (folder / "js" / "two.js").read_bytes()
    assert assets.reply(asked | {"HTTP_IF_NONE_MATCH": '"1"'}) is None
    assert assets.reply({"PATH_INFO": f"{assets.root()}/../far.js"}) is None
    assert assets.reply({"PATH_INFO": "/static/v-000000000000/js/two.js"}) is None


def test_every_file_that_a_page_names_has_the_fingerprint(client: FlaskClient) -> None:
    fetched = Markup(read(client, "/login")).fetched
    assert len(fetched) > 5
    assert all(re.match("/static/v-[0-9a-f]{12}/", url) for url in fetched)


def test_scripts_are_fetched_with_all_that_they_import(folder: Path) -> None:
    assets = Assets(folder, are_settled=True)
    assert list(assets.imports("js/entry.js")) == ["js/one.js", "far.js", "js/two.js"]
    tags = Markup(str(assets.module("js/entry.js"))).fetched
    assert tags == [f"{assets.root()}/{name}" for name in ("js/one.js", "far.js", "js/two.js", "js/entry.js")]


def test_a_change_of_any_file_changes_the_address_within_a_moment_in_development(folder: Path) -> None:
    moving, settled = Assets(folder, are_settled=False), Assets(folder, are_settled=True)
    before = moving.root()
    assert settled.root() == before == moving.root()
    (folder / "far.js").write_text("1;")
    eventually(lambda: moving.root() != before)
    assert settled.root() == before
    assert Assets(folder, are_settled=True).root() == moving.root()


def test_the_address_is_the_same_on_every_machine(folder: Path) -> None:
    before = Assets(folder, are_settled=True).root()
    os.utime(folder / "far.js", (1, 1))
    assert Assets(folder, are_settled=True).root() == before


def test_production_serves_its_files_alike(make_app: MakeApp) -> None:
    app: Flask = make_app(environment="production")
    client = app.test_client()
    assert "immutable" in client.get(address(client)).headers["Cache-Control"]


def test_a_page_is_packed_for_whoever_unpacks_it(client: FlaskClient) -> None:
    plain = client.get("/register", headers={"Accept-Encoding": "identity"})
    packed = client.get("/register", headers={"Accept-Encoding": "gzip, br"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < len(plain.data) / 2
    assert b"</html>" in gzip.decompress(packed.data)
    assert plain.vary.as_set() == packed.vary.as_set() >= {"accept-encoding"}


def test_a_problem_told_in_a_page_is_packed_and_one_for_programs_is_not(client: FlaskClient) -> None:
    wants = {"Accept-Encoding": "gzip"}
    page = client.get("/nowhere", headers={**wants, "Accept": "text/html"})
    assert (page.status_code, page.headers["Content-Encoding"]) == (404, "gzip")
    program = client.get("/api/v1/nowhere", headers=wants)
    assert "Content-Encoding" not in program.headers
