"""The shop's terms: shown from files, accepted at registering, kept with version and time."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from config import Legal
from tests.integration.conftest import MakeApp
from tests.support.problems import assert_problem

REGISTER = "/api/v1/auth/register"
WORDS = "# Our terms\n\nBe kind <b>always</b>.\n\n## Returns\n\nWithin 14 days."
NEW = {"email": "ada@maple.example", "password": "a mountain of pears", "name": "Ada"}


@dataclass(frozen=True, slots=True)
class Lawyer:
    """Makes shops with terms."""

    make_app: MakeApp
    file: Path

    def shop(self, version: str) -> FlaskClient:
        legal = Legal(terms_file=self.file, terms_version=version)
        return self.make_app(legal=legal).test_client()


@pytest.fixture
def lawyer(make_app: MakeApp, tmp_path: Path) -> Lawyer:
    file = tmp_path / "terms.txt"
    file.write_text(WORDS)
    (tmp_path / "terms.de.txt").write_text("Sei freundlich.")
    return Lawyer(make_app, file)


def test_terms_are_shown_from_files_in_the_visitors_language(lawyer: Lawyer, client: FlaskClient) -> None:
    shop = lawyer.shop("1")
    page = shop.get("/terms").text
    assert "<h1>Our terms</h1>" in page
    assert "<p>Be kind &lt;b&gt;always&lt;/b&gt;.</p>" in page
    assert "<h2>Returns</h2>" in page
    assert "Sei freundlich." in shop.get("/terms", headers={"Accept-Language": "de"}).text
    assert 'href="/terms"' in shop.get("/").text
    assert shop.get("/privacy").status_code == 404
    assert 'name="accept_terms"' in shop.get("/register").text
    assert 'href="/terms"' not in client.get("/").text


def test_terms_are_accepted_at_registering_and_newer_ones_later(lawyer: Lawyer) -> None:
    first, later = lawyer.shop("1"), lawyer.shop("2")
    assert_problem(first.post(REGISTER, json=NEW), 422, code="terms_not_accepted")
    assert first.post(REGISTER, json=NEW | {"accept_terms": True}).status_code == 201
    credentials = {name: NEW[name] for name in ("email", "password")}
    told = later.post("/api/v1/auth/login", json=credentials).get_json()
    assert told["user"]["terms_version"] == "1"
    headers = {"Authorization": f"Bearer {told['access_token']}"}
    assert later.get("/api/v1/me/follows", headers=headers).status_code == 200  # nothing is blocked meanwhile
    assert_problem(
        later.post("/api/v1/me/terms", json={"version": "1"}, headers=headers), 422, code="terms_not_accepted"
    )
    for _ in range(2):
        accepted = later.post("/api/v1/me/terms", json={"version": "2"}, headers=headers).get_json()
    assert accepted["version"] == "2"
    assert [one["version"] for one in accepted["accepted"]] == ["2", "1"]
    assert accepted == later.get("/api/v1/me/terms", headers=headers).get_json()
