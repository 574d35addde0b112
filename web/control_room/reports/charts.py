"""Draws charts: values over time become the paths of an SVG of `WIDTH` by `HEIGHT`.

Drawings only: what they show is told beside them in words and tables. Knows no sale.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 600
HEIGHT: Final = 160

Point = tuple[float, float]  # (second, value), in order of time


@dataclass(frozen=True, slots=True)
class Span:
    """The stretch of time that a chart shows, in seconds; `end` is after `start`."""

    start: float
    end: float

    def x(self, second: float) -> float:
        """Place a second, those outside at the nearer edge."""
        part = (second - self.start) / (self.end - self.start)
        return min(max(part, 0.0), 1.0) * WIDTH

    @property
    def middle(self) -> float:
        """The second in the middle."""
        return (self.start + self.end) / 2


@dataclass(frozen=True, slots=True)
class Curve:
    """One line or area of a chart: what it is called in words and styles, and its path."""

    words: str
    style: str
    path: str
    peak: float


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: curves over one span, all up to one peak."""

    title: str
    curves: tuple[Curve, ...]
    span: Span
    peak: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a curve is drawn from: levels that last until the next point, or values of `width` seconds."""

    words: str
    style: str
    points: Sequence[Point]
    first: float = 0
    width: float | None = None
    is_area: bool = False

    @property
    def peak(self) -> float:
        """The highest value."""
        levels = [self.first] if self.width is None else []
        return max([*levels, *(value for _, value in self.points)], default=0)


def draw(title: str, span: Span, *drawn: Drawn) -> Chart:
    """Draw curves into one chart, high enough for all of them."""
    peak = max((one.peak for one in drawn), default=0)
    return Chart(title, tuple(_curve(one, span, peak) for one in drawn), span, peak)


def stack(title: str, span: Span, *drawn: Drawn) -> Chart:
    """Draw levels on top of each other, the first at the bottom; all have points at the same seconds."""
    piled: list[Drawn] = []
    for one in drawn:
        below = piled[-1] if piled else None
        points = _on_top(below.points, one.points) if below else tuple(one.points)
        first = one.first + (below.first if below else 0)
        piled.append(Drawn(one.words, one.style, points, first, is_area=True))
    chart = draw(title, span, *reversed(piled))
    return Chart(title, tuple(reversed(chart.curves)), span, chart.peak)


def _on_top(below: Sequence[Point], points: Sequence[Point]) -> tuple[Point, ...]:
    return tuple((x, y + under) for (x, y), (_, under) in zip(points, below, strict=True))


def _curve(one: Drawn, span: Span, peak: float) -> Curve:
    if one.width is None:
        path = _levels(one.points, one.first, span, peak)
    else:
        path = _levels(_with_ends(one.points, one.width), 0, span, peak)
    closed = f"{path}V{HEIGHT}H0Z" if one.is_area else path
    return Curve(one.words, one.style, closed, one.peak)


def _with_ends(points: Sequence[Point], width: float) -> Iterable[Point]:
    """Let each value last for its width, and be nothing until the next one."""
    for at, (second, value) in enumerate(points):
        yield second, value
        is_last = at + 1 == len(points)
        if is_last or points[at + 1][0] > second + width:
            yield second + width, 0


def _levels(points: Iterable[Point], first: float, span: Span, peak: float) -> str:
    """Draw steps: each value from its second on."""
    level = first
    inner = []
    for second, value in points:
        if second <= span.start:
            level = value
        elif second < span.end:
            inner.append((second, value))
    path = [f"M0 {_y(level, peak)}"]
    for second, value in inner:
        path.append(f"H{_short(span.x(second))}V{_y(value, peak)}")
    return "".join([*path, f"H{WIDTH}"])


def _y(value: float, peak: float) -> str:
    return _short(HEIGHT - (value / peak if peak > 0 else 0) * HEIGHT)


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
