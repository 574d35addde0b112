"""Draws the charts of a report: which series, over which span, under which names."""

from collections.abc import Sequence
from typing import Final

from flask_babel import gettext as _

from models.report.series import COLUMNS, COUNTS, Series
from web.control_room.reports.charts import Chart, Drawn, Point, Span, draw, stack

SPANS: Final = (10, 60, 300, 900, 3_600, 14_400, 86_400)  # seconds; what may be looked at besides all of it
MOST_POINTS: Final = 300  # of a curve, so that a page stays small
MOST_ROWS: Final = 60  # of the table beside the charts
TELLING: Final = 0.95  # a span that holds so much of what happened shows it best


def spans_of(*all_series: Series) -> list[int]:
    """List the spans in seconds that may be chosen, the whole one last; empty where nothing happened."""
    some = [series for series in all_series if series.rows]
    if not some:
        return []
    whole = max(1, *(series.rows[-1][0] + series.bucket_seconds for series in some))
    step = max(series.bucket_seconds for series in some)
    return [*(one for one in SPANS if step < one < whole), whole]


def best_span(*all_series: Series) -> int | None:
    """Find the shortest span that holds nearly all that happened."""
    spans = spans_of(*all_series)
    return max((_best(series, spans) for series in all_series if series.rows), default=None)


def shown(series: Series, span: int) -> tuple[Series, Span]:
    """Cut a series to a span from the opening on, and to as many rows as can be drawn.

    What came before the opening is shown for as long again, at most.
    """
    before = min(series.rows[0][0], 0) if series.rows else 0
    start = max(before, -span)
    return series.between(start, span).at_most(MOST_POINTS), Span(start, span)


def charts_of(series: Series, span: int) -> list[Chart]:
    """Draw a sale: how fast, how long the line was, what became of the units."""
    drawn, time = shown(series, span)

    def rate(name: str, words: str, style: str) -> Drawn:
        return Drawn(words, style, rates(drawn, name), width=drawn.bucket_seconds)

    def level(name: str, words: str, style: str) -> Drawn:
        return Drawn(words, style, points(drawn, name), first_of(drawn, name))

    return [
        draw(
            _("Intents and decisions a second"),
            time,
            rate("intents", _("Intents"), "one"),
            rate("decided", _("Decisions"), "two"),
        ),
        draw(
            _("Holds and payments a second"),
            time,
            rate("granted", _("Holds granted"), "one"),
            rate("paid", _("Paid"), "two"),
        ),
        draw(
            _("Line and standby"),
            time,
            level("line", _("In line"), "one"),
            level("standby", _("On standby"), "two"),
        ),
        stack(
            _("Units"),
            time,
            level("sold", _("Sold"), "sold"),
            level("held", _("Held"), "held"),
            level("available", _("Available"), "left"),
        ),
    ]


def side_by_side(one: Series, other: Series, names: tuple[str, str], span: int) -> list[Chart]:
    """Draw two sales into the same charts, counted from the opening of each."""
    (a, time_a), (b, time_b) = shown(one, span), shown(other, span)
    step = max(a.bucket_seconds, b.bucket_seconds)
    a, b = a.coarser(step), b.coarser(step)
    time = Span(min(time_a.start, time_b.start), span)
    pair = ((a, names[0], "one"), (b, names[1], "two"))

    def both_rates(title: str, name: str) -> Chart:
        drawn = (Drawn(words, style, rates(of, name), width=step) for of, words, style in pair)
        return draw(title, time, *drawn)

    def both_levels(title: str, name: str) -> Chart:
        drawn = (Drawn(words, style, points(of, name), first_of(of, name)) for of, words, style in pair)
        return draw(title, time, *drawn)

    return [
        both_rates(_("Intents a second"), "intents"),
        both_rates(_("Decisions a second"), "decided"),
        both_levels(_("In line"), "line"),
        both_levels(_("Units sold"), "sold"),
    ]


def table_of(series: Series, span: int) -> Series:
    """Cut a series to what a table can show."""
    return shown(series, span)[0].at_most(MOST_ROWS)


def points(series: Series, name: str) -> Sequence[Point]:
    """Take a column out."""
    at = COLUMNS.index(name)
    return [(row[0], row[at]) for row in series.rows]


def rates(series: Series, name: str) -> Sequence[Point]:
    """Take a column of counts out, by the second."""
    return [(second, count / series.bucket_seconds) for second, count in points(series, name)]


def first_of(series: Series, name: str) -> int:
    """Read a level as it is before the first row."""
    return series.first[COLUMNS.index(name) - len(COLUMNS)]


def _best(series: Series, spans: Sequence[int]) -> int:
    weights = [(row[0], sum(row[1 : 1 + len(COUNTS)])) for row in series.rows]
    all_of_it = sum(weight for _second, weight in weights)
    for span in spans:
        if sum(weight for second, weight in weights if second < span) >= TELLING * all_of_it:
            return span
    return spans[-1]
