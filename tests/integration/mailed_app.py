"""Fixtures over an app with mail, which a test makes as `mailing`: who asks it, its parts, its mailbox."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tasks.mail.links import Links
from tests.support.letterbox import Letterbox
from web.http.services import EXTENSION, Services


@pytest.fixture
def client(mailing: Flask) -> FlaskClient:
    return mailing.test_client()


@pytest.fixture
def shop(mailing: Flask) -> Services:
    found: Services = mailing.extensions[EXTENSION]
    return found


@pytest.fixture
def box(shop: Services) -> Letterbox:
    return Letterbox(shop.database, Links.of(shop.settings))
