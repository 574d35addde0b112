"""What a shop answers while its ledger answers and cannot do its work: 503, and nobody's fault."""

import pytest
from flask.testing import FlaskClient

from tests.integration.conftest import PASSWORD, MakeApp
from tests.support.ailing import AILMENTS, url_of_clerk
from tests.support.polling import eventually
from tests.support.servers import Stores


@pytest.fixture
def client(make_app: MakeApp, fragile_stores: Stores) -> FlaskClient:
    app = make_app(database_url=url_of_clerk(fragile_stores), redis_url=fragile_stores.redis.url)
    return app.test_client()


def register(client: FlaskClient, name: str) -> int:
    body = {"email": f"{name}@example.com", "password": PASSWORD}
    return client.post("/api/v1/auth/register", json=body).status_code


def log_in(client: FlaskClient, name: str) -> int:
    body = {"email": f"{name}@example.com", "password": PASSWORD}
    return client.post("/api/v1/auth/login", json=body).status_code


def test_who_needs_a_ledger_that_only_reads_gets_a_503(client: FlaskClient, fragile_stores: Stores) -> None:
    assert register(client, "early") == 201
    with AILMENTS["read_only"](fragile_stores):
        assert [register(client, "late") for _ in range(3)] == [503] * 3
        assert log_in(client, "early") == 503
        assert client.get("/api/v1/sales").status_code == 200  # what can be answered is
    assert [register(client, "late"), log_in(client, "early")] == [201, 200]


@pytest.mark.parametrize("ailment", ["read_only", "without_a_table", "without_a_privilege"])
def test_ready_means_that_claims_can_be_written(
    client: FlaskClient, fragile_stores: Stores, ailment: str
) -> None:
    def failing() -> tuple[int, list[str]]:
        answer = client.get("/readyz")
        checks = answer.get_json()["checks"]
        return answer.status_code, [name for name, check in checks.items() if not check["ok"]]

    eventually(lambda: failing() == (200, []), told=failing)
    with AILMENTS[ailment](fragile_stores):
        eventually(lambda: failing() == (503, ["database"]), told=failing)
    eventually(lambda: failing() == (200, []), told=failing)
