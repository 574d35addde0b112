"""What a pulse tells: rates from samples, whatever is missing between them."""

from models.live.pulse import Sample
from tasks.sales.pulse import rate, rates_now, series


def sample(at_ms: int, tickets: int = 0, decided: int = 0, **more: int) -> Sample:
    figures = {"available": 0, "held": 0, "sold": 0, "waiting": 0, "standby": 0} | more
    return Sample(at_ms, tickets, decided, **figures)


def test_a_rate_is_by_the_time_that_went_by() -> None:
    assert rate(sample(1_000, tickets=10), sample(2_000, tickets=35), "last_ticket") == 25.0
    assert rate(sample(1_000, tickets=10), sample(5_000, tickets=30), "last_ticket") == 5.0
    assert rate(sample(0), sample(1_500, tickets=1), "last_ticket") == 0.7


def test_a_counter_that_was_reset_or_a_clock_that_stood_is_no_rate() -> None:
    assert rate(sample(1_000, tickets=500), sample(2_000, tickets=3), "last_ticket") == 0.0
    assert rate(sample(1_000), sample(1_000, tickets=3), "last_ticket") == 0.0
    assert rate(sample(2_000), sample(1_000, tickets=3), "last_ticket") == 0.0


def test_the_present_rates_are_those_of_the_last_seconds() -> None:
    samples = [sample(at * 1_000, tickets=at * 100, decided=at * 50) for at in range(20)]
    assert rates_now(samples, 19_200) == {
        "intents_per_second": 100.0,
        "decisions_per_second": 50.0,
        "over_seconds": 5,
    }


def test_what_was_sampled_long_ago_is_no_present_rate() -> None:
    samples = [sample(at * 1_000, tickets=at * 100) for at in range(20)]
    assert rates_now(samples, 60_000)["intents_per_second"] == 0.0
    assert rates_now([], 60_000)["intents_per_second"] == 0.0
    assert rates_now(samples[-1:], 19_500)["intents_per_second"] == 0.0


def test_a_series_after_a_moment_still_knows_the_rate_of_its_first_sample() -> None:
    samples = [sample(at * 1_000, tickets=at**2, waiting=at) for at in range(5)]
    assert series(samples)["intents_per_second"] == [1.0, 3.0, 5.0, 7.0]
    later = series(samples, since_ms=3_000)
    assert later["at"] == ["1970-01-01T00:00:04.000Z"]
    assert (later["intents_per_second"], later["waiting"]) == ([7.0], [4])
    assert series(samples, since_ms=4_000)["at"] == []
    assert {len(values) for values in series(samples).values()} == {4}


def test_a_pulse_without_samples_is_told_as_empty() -> None:
    assert set(map(len, series([]).values())) == {0}
