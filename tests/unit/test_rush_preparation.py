"""Before the rush: who comes, from which addresses, and as whom one logs in."""

import json
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.client.http import retry_after_s
from benchmarks.client.http_wire import Response, Target
from benchmarks.harness.crowd_tokens import read_tokens
from benchmarks.harness.failures import CannotMeasure, NoBulkTokens
from benchmarks.harness.settings import read_rush_settings
from benchmarks.rush.crowd import plan_crowd
from benchmarks.rush.manners import Manner, Paying

LOCAL = Target("127.0.0.1", 8000)


def crowd_of(count: int) -> list[tuple[str, str]]:
    return [(f"u{number}", "token") for number in range(count)]


def test_a_small_crowd_is_one_process_from_the_usual_address() -> None:
    (plan,) = plan_crowd(LOCAL, "s1", 1, crowd_of(1000), 1000)
    assert len(plan.shoppers) == 1000
    assert plan.connections == 1000
    assert plan.errand.source is None


def test_a_large_crowd_is_split_and_everybody_comes_once() -> None:
    plans = plan_crowd(LOCAL, "s1", 1, crowd_of(12_001), 1000)
    assert [len(plan.shoppers) for plan in plans] == [4001, 4000, 4000]
    assert len({user for plan in plans for user, *_ in plan.shoppers}) == 12_001
    assert {plan.errand.source for plan in plans} == {None}


def test_a_crowd_of_more_than_one_addresss_ports_comes_from_several() -> None:
    plans = plan_crowd(LOCAL, "s1", 1, crowd_of(50_000), 1000)
    assert [plan.errand.source for plan in plans] == [f"127.0.0.{n}" for n in range(2, 12)]
    assert all(len(plan.shoppers) + plan.connections < 20_000 for plan in plans)


def test_a_crowd_of_thirds_has_each_manner_equally_often() -> None:
    plans = plan_crowd(LOCAL, "s1", 1, crowd_of(6000), 1000, paying=Paying.THIRDS)
    manners = Counter(manner for plan in plans for *_, manner in plan.shoppers)
    assert manners == dict.fromkeys(Manner, 2000)


def test_a_crowd_against_another_machine_keeps_its_own_address() -> None:
    plans = plan_crowd(Target("shop.example", 80), "s1", 1, crowd_of(50_000), 1000)
    assert {plan.errand.source for plan in plans} == {None}


def test_tokens_are_read_one_a_line() -> None:
    assert read_tokens("u1 t1\nu2 t2\n", 2) == [("u1", "t1"), ("u2", "t2")]


@pytest.mark.parametrize("text", ["", "u1 t1\n", "u1 t1\nu2\n", "u1 t1\nu2 t2\na b c\n"])
def test_a_tokens_file_that_is_short_or_malformed_is_refused(text: str) -> None:
    with pytest.raises(NoBulkTokens):
        read_tokens(text, 2)


@pytest.mark.parametrize(
    ("head", "seconds"), [(b"Retry-After: 3", 3.0), (b"Retry-After: soon", None), (b"X: y", None)]
)
def test_the_wait_that_the_shop_asks_for_is_honoured(head: bytes, seconds: float | None) -> None:
    assert retry_after_s(Response(429, b"HTTP/1.1 429 X\r\n" + head, b"", 0, 0)) == seconds


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in ("URL", "PORT", "SHOPPERS", "UNITS", "QUANTITY", "DEADLINE", "PAYING", "HOLD_SECONDS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("ADMIN_EMAIL", "ADMIN_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    (tmp_path / "admin.json").write_text(json.dumps({"email": "boss@example.com", "password": "left"}))
    return monkeypatch


def test_without_settings_a_thousand_rush_the_local_shop_for_a_hundred(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("PORT", "8123")
    settings = read_rush_settings([])
    assert settings.url == "http://127.0.0.1:8123"
    assert (settings.shoppers, settings.units, settings.quantity, settings.deadline_s) == (
        1000,
        100,
        1,
        120.0,
    )
    assert (settings.paying, settings.hold_s) == (Paying.ALL, 900)
    assert (settings.admin_email, settings.admin_password) == ("boss@example.com", "left")
    assert settings.is_local


def test_where_thirds_pay_holds_are_short(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("PAYING", "thirds")
    settings = read_rush_settings([])
    assert (settings.paying, settings.hold_s, settings.deadline_s) == (Paying.THIRDS, 15, 300.0)


def test_the_environment_decides(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("URL", "http://shop.example/")
    environment.setenv("SHOPPERS", "5")
    environment.setenv("ADMIN_EMAIL", "me@example.com")
    environment.setenv("ADMIN_PASSWORD", "mine")
    settings = read_rush_settings(["--json", "out.json"])
    assert settings.url == "http://shop.example"
    assert settings.units == 1
    assert (settings.admin_email, settings.admin_password) == ("me@example.com", "mine")
    assert settings.json_path == Path("out.json")
    assert not settings.is_local


@pytest.mark.parametrize(
    ("name", "value"), [("SHOPPERS", "many"), ("UNITS", "0"), ("DEADLINE", "-1"), ("PAYING", "half")]
)
def test_a_malformed_setting_is_refused(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(name, value)
    with pytest.raises(CannotMeasure):
        read_rush_settings([])
