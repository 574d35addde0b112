"""A clone takes place at its model's time of the clock, whatever is done to clocks in between."""

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest

from tasks.sales.clone import Times, times_of_another

BERLIN = ZoneInfo("Europe/Berlin")
NAMES = ("lobby_opens_at", "opens_at", "closes_at")


def model(zone: tzinfo, opens: str, closes: str, lobby: str = "") -> dict[str, datetime | None]:
    times = {"lobby_opens_at": lobby, "opens_at": opens, "closes_at": closes}
    return {
        name: datetime.fromisoformat(at).replace(tzinfo=zone).astimezone(UTC) if at else None
        for name, at in times.items()
    }


def by_the_clock(times: Times, zone: tzinfo) -> list[str]:
    return [f"{at.astimezone(zone):%Y-%m-%d %H:%M}" for name in NAMES if (at := times[name])]


def at(text: str, zone: tzinfo = UTC) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("zone", "now", "day"),
    [
        ("Europe/Berlin", "2026-10-24T23:00", "2026-10-25"),  # clocks go back this night
        ("Europe/Berlin", "2026-12-01T12:00", "2026-12-01"),
        ("Europe/Berlin", "2027-03-27T23:00", "2027-03-28"),  # and forward this one
        ("America/New_York", "2026-11-15T12:00", "2026-11-15"),
        ("Australia/Lord_Howe", "2026-12-01T12:00", "2026-12-02"),  # by half an hour
        ("Asia/Kolkata", "2026-12-01T16:00", "2026-12-02"),
        ("UTC", "2026-12-01T12:00", "2026-12-01"),
    ],
)
def test_a_sale_at_eight_in_summer_is_cloned_to_eight_in_winter(zone: str, now: str, day: str) -> None:
    info = ZoneInfo(zone)
    times = model(info, "2026-07-01T20:00", "2026-07-01T22:00", "2026-07-01T19:30")
    found = times_of_another(times, at(now), info)
    assert by_the_clock(found, info) == [f"{day} 19:30", f"{day} 20:00", f"{day} 22:00"]


def test_by_utc_the_instants_keep_their_clock_as_ever() -> None:
    found = times_of_another(model(BERLIN, "2026-07-01T20:00", "2026-07-01T21:00"), at("2026-12-01T12:00"))
    assert by_the_clock(found, BERLIN) == ["2026-12-01 19:00", "2026-12-01 20:00"]


def test_a_time_that_does_not_exist_is_as_much_later_as_clocks_are_put_forward() -> None:
    times = model(BERLIN, "2026-03-01T02:30", "2026-03-01T06:00")
    found = times_of_another(times, at("2026-03-28T12:00"), BERLIN)
    assert by_the_clock(found, BERLIN) == ["2026-03-29 03:30", "2026-03-29 06:00"]


def test_what_would_turn_round_is_a_day_later() -> None:
    times = model(BERLIN, "2026-03-01T02:30", "2026-03-01T03:15")
    found = times_of_another(times, at("2026-03-28T12:00"), BERLIN)
    assert by_the_clock(found, BERLIN) == ["2026-03-30 02:30", "2026-03-30 03:15"]


def test_of_a_time_that_exists_twice_it_is_the_first() -> None:
    times = model(BERLIN, "2026-10-01T02:30", "2026-10-01T06:00")
    found = times_of_another(times, at("2026-10-24T12:00"), BERLIN)
    assert found["opens_at"] == at("2026-10-25T00:30")
    assert by_the_clock(found, BERLIN) == ["2026-10-25 02:30", "2026-10-25 06:00"]


def test_a_sale_over_the_change_of_clocks_keeps_both_its_times() -> None:
    times = model(BERLIN, "2026-07-01T22:00", "2026-07-02T06:00")
    found = times_of_another(times, at("2026-10-24T12:00"), BERLIN)
    assert by_the_clock(found, BERLIN) == ["2026-10-24 22:00", "2026-10-25 06:00"]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_on_every_day_of_a_year_all_are_to_come_in_their_order_and_soon(zone: str) -> None:
    info = ZoneInfo(zone)
    times = model(info, "2026-07-01T02:30", "2026-07-01T03:10", "2026-07-01T02:05")
    for hours in range(0, 366 * 24, 7):
        now = at("2026-07-01T12:00") + timedelta(hours=hours)
        lobby, opens, closes = (found for found in times_of_another(times, now, info).values() if found)
        assert now < lobby < opens < closes < now + timedelta(days=3)
