"""The secrets that a development run makes for itself."""

import json
import stat
from pathlib import Path

import pytest

from config import load_settings, refuse_weak_secret
from deploy.run.generated_secrets import keep_admin, keep_secret_key


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    for name in ("SECRET_KEY", "ADMIN_EMAIL", "ADMIN_PASSWORD", "ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)


def test_a_secret_key_is_made_once_and_found_by_the_configuration(tmp_path: Path) -> None:
    keep_secret_key(tmp_path, load_settings())
    key = load_settings().secret_key
    refuse_weak_secret(key)
    assert len(bytes.fromhex(key)) == 48
    keep_secret_key(tmp_path, load_settings())
    assert load_settings().secret_key == key
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_a_given_secret_key_is_written_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "0123456789abcdefghijklmnopqrstuvwxyz")
    keep_secret_key(tmp_path, load_settings())
    assert list(tmp_path.iterdir()) == []


def test_a_random_password_is_kept_over_restarts(tmp_path: Path) -> None:
    first = keep_admin(tmp_path, load_settings(), "")
    assert keep_admin(tmp_path, load_settings(), "") == first
    assert len(first.password) >= 16
    assert stat.S_IMODE((tmp_path / "admin.json").stat().st_mode) == 0o600


def test_a_given_password_wins_and_is_kept(tmp_path: Path) -> None:
    keep_admin(tmp_path, load_settings(), "")
    assert keep_admin(tmp_path, load_settings(), "given").password == "given"
    assert keep_admin(tmp_path, load_settings(), "").password == "given"
    assert json.loads((tmp_path / "admin.json").read_text()) == {
        "email": "admin@example.com",
        "password": "given",
    }
