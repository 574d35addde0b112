"""`/me/push-subscriptions`: a browser is let be told, listed without its secrets, and taken away."""

import uuid
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.integration.conftest import Account, MakeAccount, MakeApp
from tests.support.push_service import AUTH, PushService, plain, push_settings

PATH = "/api/v1/me/push-subscriptions"
WORLD = "https://fcm.googleapis.com/fcm/send/secret"


@pytest.fixture
def pushing(make_app: MakeApp) -> FlaskClient:
    return make_app(push=push_settings()).test_client()


def presented(endpoint: str = WORLD, **keys: str) -> dict[str, Any]:
    """A browser, as `PushSubscription.toJSON()` writes it."""
    browser = PushService().browser()
    own = {"p256dh": browser.p256dh, "auth": browser.auth} | keys
    return {"endpoint": endpoint, "expirationTime": None, "keys": own}


def test_a_browser_is_added_listed_and_removed_by_its_owner(
    pushing: FlaskClient, shopper: Account, make_account: MakeAccount
) -> None:
    sent = presented()
    added = pushing.post(PATH, json=sent, headers=shopper.headers)
    assert added.status_code == 201
    again = pushing.post(PATH, json=sent, headers=shopper.headers)
    shown = pushing.get(PATH, headers=shopper.headers).get_json()
    assert shown["items"] == [again.get_json()]
    assert shown["items"][0]["service"] == "https://fcm.googleapis.com"
    assert not [one for one in ("secret", *sent["keys"].values()) if one in str(shown)]
    assert len(shown["public_key"]) == 87
    other, own = make_account(), f"{PATH}/{shown['items'][0]['id']}"
    assert pushing.delete(own, headers=other.headers).status_code == 404
    assert [pushing.delete(own, headers=shopper.headers).status_code for _ in range(2)] == [204, 404]
    assert pushing.get(PATH).status_code == 401


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        (presented("https://10.0.0.1/x"), "endpoint"),
        (presented(p256dh=plain(bytes(65))), "keys.p256dh"),
        (presented(p256dh="A+/="), "keys.p256dh"),
        (presented(auth=plain(AUTH[:15])), "keys.auth"),
    ],
    ids=["own network", "no point", "no base64", "short secret"],
)
def test_what_is_no_browser_is_refused(
    pushing: FlaskClient, shopper: Account, sent: dict[str, Any], field: str
) -> None:
    answer = pushing.post(PATH, json=sent, headers=shopper.headers)
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, [field])


def test_without_keys_no_browser_is_added(client: FlaskClient, shopper: Account) -> None:
    assert client.post(PATH, json=presented(), headers=shopper.headers).status_code == 404
    assert client.get(PATH, headers=shopper.headers).get_json()["public_key"] is None
    assert client.delete(f"{PATH}/{uuid.uuid4()}", headers=shopper.headers).status_code == 404
