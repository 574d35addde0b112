"""Charts: paths that stay within their frame, whatever the values are."""

import re

import pytest
from babel import Locale
from hypothesis import given, settings
from hypothesis import strategies as st

from models.report.series import COUNTS, Series
from web.control_room.reports import report_charts
from web.control_room.reports.charts import HEIGHT, WIDTH, Drawn, Span, draw, stack
from web.shop.durations import write_ms, write_number, write_seconds, write_share

MINUTE = Span(0, 60)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
VALUES = st.floats(0, 1e15, allow_nan=False)
POINTS = st.lists(st.tuples(st.integers(-100, 200), VALUES), unique_by=lambda point: point[0]).map(sorted)


def curve(*points: tuple[float, float], span: Span = MINUTE, **how: object) -> str:
    return draw("", span, Drawn("", "", points, **how)).curves[0].path  # type: ignore[arg-type]


def test_a_level_lasts_until_the_next() -> None:
    assert curve((15, 4), (30, 2)) == "M0 160H150V0H300V80H600"
    assert curve((15, 4), first=2) == "M0 80H150V0H600"


def test_a_count_lasts_for_its_own_seconds_only() -> None:
    assert curve((15, 4), width=15) == "M0 160H150V0H300V160H600"
    assert curve((15, 4), (30, 2), width=15) == "M0 160H150V0H300V80H450V160H600"


def test_nothing_at_all_and_nothing_but_zero_is_a_line_at_the_bottom() -> None:
    assert curve() == "M0 160H600"
    assert curve((15, 0)) == "M0 160H150V160H600"
    assert curve(is_area=True) == "M0 160H600V160H0Z"


def test_a_single_point_at_the_beginning_is_seen() -> None:
    assert curve((0, 7), width=1) == "M0 0H10V160H600"


def test_huge_numbers_are_drawn_as_small_ones_are() -> None:
    assert curve((15, 4e14), (30, 2e14)) == curve((15, 4), (30, 2))


def test_what_is_before_the_span_is_its_first_level_and_what_is_after_is_not_drawn() -> None:
    assert curve((-9, 4), (15, 2), (99, 9), span=MINUTE) == curve((15, 2), (99, 9), first=4)
    assert "H600" in curve((99, 9))


@settings(deadline=None)
@given(POINTS, st.booleans(), st.sampled_from([None, 1.0, 15.0]))
def test_no_path_leaves_its_frame(
    points: list[tuple[int, float]], is_area: bool, width: float | None
) -> None:
    path = curve(*points, is_area=is_area, width=width)
    assert all(0 <= float(one) <= max(WIDTH, HEIGHT) for one in NUMBER.findall(path))
    assert "nan" not in path
    assert "e" not in path


def test_stacked_levels_end_at_their_sum_and_the_first_is_at_the_bottom() -> None:
    chart = stack("", MINUTE, Drawn("a", "x", [(30, 1)], first=3), Drawn("b", "y", [(30, 3)], first=1))
    assert [one.words for one in chart.curves] == ["a", "b"]
    assert chart.peak == 4
    assert chart.curves[0].path == "M0 40H300V120H600V160H0Z"
    assert chart.curves[1].path == "M0 0H300V0H600V160H0Z"


def series_of(*seconds: int, step: int = 1) -> Series:
    rows = tuple((second, 1, *(0,) * (len(COUNTS) - 1), 0, 0, 5, 0, 0) for second in seconds)
    return Series(step, (0, 0, 5, 0, 0), rows)


def test_the_span_that_shows_most_is_chosen_and_longer_ones_are_offered() -> None:
    rush = series_of(*range(40), 5_000)
    assert report_charts.best_span(rush) == 60
    assert report_charts.spans_of(rush) == [10, 60, 300, 900, 3_600, 5_001]
    assert report_charts.best_span(series_of(*range(8))) == 8
    assert report_charts.best_span(series_of()) is None
    assert report_charts.spans_of(series_of(0)) == [1]
    assert report_charts.best_span(rush, series_of(*range(0, 5_000, 50))) == 5_001


def test_what_came_before_the_opening_is_shown_for_as_long_again_at_most() -> None:
    _series, span = report_charts.shown(series_of(-600, -20, 0, 5), 60)
    assert (span.start, span.end) == (-60, 60)
    _series, span = report_charts.shown(series_of(-20, 0, 5), 60)
    assert span.start == -20


def test_a_long_series_is_drawn_with_few_points() -> None:
    drawn, _span = report_charts.shown(series_of(*range(3_600)), 3_600)
    assert len(drawn.rows) <= report_charts.MOST_POINTS
    assert len(report_charts.table_of(series_of(*range(3_600)), 3_600).rows) <= report_charts.MOST_ROWS


@pytest.mark.parametrize(
    ("ms", "english", "german"),
    [
        (0, "0 ms", "0 ms"),
        (340, "340 ms", "340 ms"),
        (1_250, "1.25 sec", "1,25 Sek."),
        (245_000, "4 min 5 sec", "4 Min. 5 Sek."),
        (200_000_000, "2 days 7 hr", "2 Tg. 7 Std."),
    ],
)
def test_lengths_are_written_in_the_visitors_way(ms: int, english: str, german: str) -> None:
    assert write_ms(ms, Locale("en")) == english
    assert write_ms(ms, Locale("de")) == german


def test_numbers_and_shares_are_written_in_the_visitors_way() -> None:
    assert write_seconds(-3.5, Locale("en")) == "-3.5 sec"
    assert [write_number(one, Locale("de")) for one in (0.256, 12.0, 1234.5)] == ["0,26", "12", "1.234"]
    assert write_share(1.2564, Locale("de")) == "125,6\xa0%"
    assert write_share(1.0, Locale("en")) == "100%"
