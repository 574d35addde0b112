"""benchmarks/speed/: the arithmetic of the figures: medians, spreads, ratios, aims."""

import pytest

from benchmarks.speed.__main__ import Shape, aims_of
from benchmarks.speed.arithmetic import Aim, Figure, Report, ratio
from benchmarks.speed.over_http import WARM_UP

FAST = Figure("fast", "intents/s", (300.0, 100.0, 200.0))
SLOW = Figure("slow", "intents/s", (30.0, 50.0, 40.0))


def test_a_figure_is_told_by_its_median_and_its_spread() -> None:
    told = FAST.as_json()
    assert (told["median"], told["low"], told["high"]) == (200.0, 100.0, 300.0)
    assert told["values"] == [300.0, 100.0, 200.0]
    assert FAST.as_row() == ("fast", "200", "100 to 300", "intents/s")


def test_a_ratio_divides_round_by_round() -> None:
    assert ratio("fast beside slow", FAST, SLOW).values == (10.0, 2.0, 5.0)


def test_a_ratio_of_unequal_rounds_is_an_error() -> None:
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        ratio("fast beside slow", FAST, Figure("slow", "intents/s", (30.0,)))


@pytest.mark.parametrize(("at_least", "is_met"), [(199.0, True), (200.0, True), (200.5, False)])
def test_an_aim_is_met_by_the_median(at_least: float, is_met: bool) -> None:
    assert Aim(FAST, at_least).is_met is is_met


def test_the_aims_set_the_drain_beside_both_acceptance_beside_the_bare_route_and_sockets_beside_it() -> None:
    values = {
        "plain inserts, flash": 60_000.0,
        "drain, flash": 24_000.0,
        "a task an intent, flash": 400.0,
        "plain inserts, all win": 20_000.0,
        "drain, all win": 9_000.0,
        "a task an intent, all win": 500.0,
        "bare route": 4_000.0,
        "accepted over HTTP": 2_600.0,
        "accepted by Flask": 1_300.0,
        "accepted over HTTP beside sockets": 2_500.0,
        "accepted by socket": 10_000.0,
    }
    aims = aims_of({name: Figure(name, "1/s", (value,)) for name, value in values.items()})
    assert [(aim.figure.name, aim.figure.median, aim.is_met) for aim in aims] == [
        ("drain, flash", 24_000.0, True),
        ("drain beside plain inserts, flash", 0.4, True),
        ("drain beside a task an intent, flash", 60.0, True),
        ("drain, all win", 9_000.0, False),
        ("drain beside plain inserts, all win", 0.45, True),
        ("drain beside a task an intent, all win", 18.0, False),
        ("accepted beside a bare route", 0.65, True),
        ("accepted beside Flask's way", 2.0, False),
        ("accepted by socket beside HTTP", 4.0, True),
    ]


def test_what_was_not_measured_has_no_aims() -> None:
    assert aims_of({}) == ()


def test_nobody_asks_twice_over_http() -> None:
    shape = Shape(rounds=3, intents=1000, naive=10, requests=6000, only="")
    assert shape.crowd == WARM_UP + 3 * 2 * 6000


def test_a_report_carries_its_aims_and_what_became_of_them() -> None:
    report = Report({"cores": 2}, {"rounds": 3}, (FAST,), (Aim(FAST, 10.0),)).as_json()
    assert report["figures"]["fast"]["median"] == 200.0
    assert report["aims"][0] | {"values": []} == {
        "name": "fast",
        "at_least": 10.0,
        "met": True,
        "unit": "intents/s",
        "median": 200.0,
        "low": 100.0,
        "high": 300.0,
        "values": [],
    }
