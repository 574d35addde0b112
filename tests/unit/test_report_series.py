"""The series of a report: made coarser without losing anything, cut, and told at any second."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.report.comparing import FIGURES, compare
from models.report.series import COLUMNS, COUNTS, MOST_ROWS, STEPS, Series, same_step


def move(second: int, step: int = 1, **grown: int) -> dict[str, Any]:
    names = (*COUNTS, "line", "standby", "free", "held", "sold")
    return {"step": step, "second": second, **{name: grown.get(name, 0) for name in names}}


SERIES = Series.of_moves(
    [
        move(-3, intents=2, line=2),
        move(0, decided=2, granted=1, line=-2, standby=1, free=-3, held=3),
        move(7, paid=1, held=-3, sold=3),
    ],
    first_units=5,
)

ROWS = st.lists(
    st.tuples(st.integers(-200, 5_000), st.integers(0, 9), st.integers(-2, 5)), unique_by=lambda row: row[0]
)


def test_moves_are_added_up_to_levels() -> None:
    assert SERIES.first == (0, 0, 5, 0, 0)
    assert SERIES.rows == (
        (-3, 2, 0, 0, 0, 0, 2, 0, 5, 0, 0),
        (0, 0, 2, 1, 0, 0, 0, 1, 2, 3, 0),
        (7, 0, 0, 0, 1, 0, 0, 1, 2, 0, 3),
    )


def test_a_series_comes_back_as_it_was_written() -> None:
    assert Series.read(SERIES.as_message()) == SERIES


def test_a_coarser_row_has_all_counts_and_the_last_levels() -> None:
    assert SERIES.coarser(5).rows == (
        (-5, 2, 0, 0, 0, 0, 2, 0, 5, 0, 0),
        (0, 0, 2, 1, 0, 0, 0, 1, 2, 3, 0),
        (5, 0, 0, 0, 1, 0, 0, 1, 2, 0, 3),
    )
    assert SERIES.coarser(60).rows[-1] == (0, 0, 2, 1, 1, 0, 0, 1, 2, 0, 3)
    assert SERIES.coarser(1) is SERIES
    with pytest.raises(ValueError, match="do not divide"):
        SERIES.coarser(15).coarser(20)


@settings(deadline=None)
@given(ROWS, st.sampled_from(STEPS))
def test_however_coarse_nothing_gets_lost(rows: list[tuple[int, int, int]], step: int) -> None:
    moves = [move(second, intents=count, line=grown) for second, count, grown in sorted(rows)]
    fine = Series.of_moves(moves, 0)
    coarse = fine.coarser(step)
    assert sum(row[1] for row in coarse.rows) == sum(row[1] for row in fine.rows)
    assert all(row[0] % step == 0 for row in coarse.rows)
    assert [row[6:] for row in coarse.rows[-1:]] == [row[6:] for row in fine.rows[-1:]]
    assert len(fine.at_most(20).rows) <= 20


def test_each_step_divides_the_next_and_the_last_is_coarse_enough_for_years() -> None:
    assert all(coarser % finer == 0 for finer, coarser in pairwise(STEPS))
    assert STEPS[-1] * MOST_ROWS > 9 * 365 * 86_400


def test_a_part_begins_with_the_levels_of_what_came_before() -> None:
    part = SERIES.between(0, 7)
    assert (part.first, [row[0] for row in part.rows]) == ((2, 0, 5, 0, 0), [0])
    assert SERIES.between(100, 200).first == SERIES.rows[-1][6:]


def test_at_other_seconds_there_are_no_counts_and_the_levels_stay() -> None:
    told = SERIES.aligned([-4, -3, 0, 1, 7])
    assert list(told) == list(COLUMNS[1:])
    assert told["intents"] == [0, 2, 0, 0, 0]
    assert told["available"] == [5, 5, 2, 2, 2]
    assert told["sold"] == [0, 0, 0, 0, 3]


def test_two_series_are_brought_to_the_coarser_step() -> None:
    one, other = same_step(SERIES, SERIES.coarser(15))
    assert one == other
    assert one.bucket_seconds == 15


def report(**changes: Any) -> dict[str, Any]:
    """The least that has every figure."""
    made: dict[str, Any] = {name: {} for name in ("settings", "times")}
    made |= {"sale_id": "x", "is_final": True, "made_at": "now", "series": SERIES.as_message()}
    for figure in FIGURES:
        group = made
        *groups, name = figure.path.split(".")
        for one in groups:
            group = group.setdefault(one, {})
        group[name] = {"amount_minor": 10, "currency": "USD"} if figure.kind == "money" else 4
    made["revenue"] |= changes
    return made


def test_the_same_report_twice_differs_in_nothing() -> None:
    for figure in compare(report(), report())["figures"]:
        nothing = {"amount_minor": 0, "currency": "USD"} if figure["kind"] == "money" else 0
        assert (figure["difference"], figure["ratio"]) == (nothing, 1)


def test_what_is_missing_or_of_another_currency_has_no_difference_and_nothing_no_ratio() -> None:
    euros = {"amount_minor": 10, "currency": "EUR"}
    changed = report(gross=euros, net=None, refunded={"amount_minor": 0, "currency": "USD"})
    figures = {one["name"]: one for one in compare(changed, report())["figures"]}
    told = {
        name: (figures[f"revenue.{name}"]["difference"], figures[f"revenue.{name}"]["ratio"])
        for name in ("gross", "net", "refunded")
    }
    ten = {"amount_minor": 10, "currency": "USD"}
    assert told == {"gross": (None, None), "net": (None, None), "refunded": (ten, None)}
