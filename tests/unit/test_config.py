"""The environment: what is read, what is refused, and what production is strict about."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from config import ConfigurationError, Settings, load_settings

GOOD = "0f3b8e5d9c7a4162b8d0e6f1a2c39485"
Load = Callable[..., Settings]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Load:
    """Read the settings of an environment that holds only what is given."""

    def load(**environment: str) -> Settings:
        for name in list(os.environ):
            if name not in ("PATH", "HOME"):
                monkeypatch.delenv(name)
        monkeypatch.setenv("DATA_DIR", str(tmp_path))
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return load_settings()

    return load


def test_an_empty_environment_will_do_for_development(load: Load) -> None:
    settings = load()
    assert (settings.environment, settings.is_production, settings.port) == ("development", False, 8000)
    assert settings.database_url == settings.redis_url == settings.broker_url == ""


@pytest.mark.parametrize(
    "weak",
    ["short", "a" * 64, "abcabcabc" * 8, "changeme" * 8, "SECRET-0f3b8e5d9c7a4162b8d0e6f1a2c39485", "x" * 31],
)
@pytest.mark.parametrize("environment", ["development", "production"])
def test_a_weak_secret_is_refused_everywhere(load: Load, weak: str, environment: str) -> None:
    with pytest.raises(ConfigurationError, match="SECRET_KEY"):
        load(SECRET_KEY=weak, ENVIRONMENT=environment)


def test_production_needs_a_secret(load: Load) -> None:
    with pytest.raises(ConfigurationError, match="SECRET_KEY must be set"):
        load(ENVIRONMENT="production")
    assert load(ENVIRONMENT="production", SECRET_KEY=GOOD).is_production


def test_production_refuses_failpoints(load: Load) -> None:
    assert load(FAILPOINT="claimed:1:kill").failpoint == "claimed:1:kill"
    with pytest.raises(ConfigurationError, match="FAILPOINT"):
        load(ENVIRONMENT="production", SECRET_KEY=GOOD, FAILPOINT="claimed:1:kill")


def test_production_logs_json_unless_told(load: Load) -> None:
    assert load(ENVIRONMENT="production", SECRET_KEY=GOOD).log_json
    assert not load(ENVIRONMENT="production", SECRET_KEY=GOOD, LOG_JSON="false").log_json
    assert not load().log_json


def test_the_embedded_servers_are_found(load: Load, tmp_path: Path) -> None:
    servers = {
        "database_url": "postgresql+psycopg://app@/app?host=/x",
        "redis_url": "unix:///x/redis.sock?db=0",
    }
    (tmp_path / "servers.json").write_text(json.dumps(servers))
    (tmp_path / "secret_key").write_text(GOOD + "\n")
    settings = load()
    assert settings.database_url == servers["database_url"]
    assert settings.redis_url == servers["redis_url"]
    assert settings.broker_url == "redis+socket:///x/redis.sock?virtual_host=0"
    assert settings.secret_key == GOOD


def test_the_environment_goes_before_the_embedded_servers(load: Load, tmp_path: Path) -> None:
    (tmp_path / "servers.json").write_text(json.dumps({"database_url": "a", "redis_url": "redis://b"}))
    settings = load(REDIS_URL="redis://elsewhere:6379/2", DATABASE_URL="postgres://u@h/d")
    assert settings.redis_url == settings.broker_url == "redis://elsewhere:6379/2"
    assert settings.database_url == "postgresql+psycopg://u@h/d"


def test_a_broker_of_its_own_is_used(load: Load) -> None:
    assert load(REDIS_URL="redis://a", BROKER_URL="redis://b").broker_url == "redis://b"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "99999"),
        ("PORT", "eight"),
        ("ENVIRONMENT", "staging"),
        ("CLAIM_SIZE", "0"),
        ("CLAIM_SIZE", "1001"),
        ("WEB_PROCESSES", "0"),
        ("LOG_LEVEL", "LOUD"),
        ("DATABASE_POOL_SIZE", "0"),
        ("INTENT_JOURNAL", "true"),
    ],
)
def test_what_cannot_be_run_is_refused(load: Load, name: str, value: str) -> None:
    with pytest.raises(ConfigurationError):
        load(**{name: value})


def test_origins_are_listed_without_their_last_slash(load: Load) -> None:
    assert load(ALLOWED_ORIGINS="https://a.example/,https://b.example").allowed_origins == (
        "https://a.example",
        "https://b.example",
    )
