"""Writes figures as Prometheus reads them; only the little of its format that figures need."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

Row = tuple[Sequence[str], float]  # the labels' values, and the figure
Timed = tuple[
    Sequence[str], Mapping[str, int], float
]  # the labels' values, how many by bound, seconds in all

MOST_KEPT: Final = 4096  # labels of series that are written again and again
_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def family(kind: str, name: str, says: str, labels: Sequence[str], rows: Iterable[Row]) -> str:
    """Write one family of series: `kind` is gauge or counter."""
    named = tuple(labels)
    lines = [f"{name}{series(named, tuple(values))} {figure:.15g}\n" for values, figure in rows]
    return heading(kind, name, says) + "".join(lines)


def gauge(name: str, says: str, figure: float) -> str:
    """Write one gauge without labels."""
    return family("gauge", name, says, [], [((), figure)])


def histogram(name: str, says: str, labels: Sequence[str], rows: Iterable[Timed]) -> str:
    """Write times, given by how many fell under each upper bound and over the one before."""
    lines, named = [heading("histogram", name, says)], tuple(labels)
    for values, by_bound, total_s in rows:
        told, many = series(named, tuple(values)), 0
        begin = f'{name}_bucket{told[:-1]},le="'
        for bound, more in by_bound.items():
            many += more
            lines.append(f'{begin}{bound}"}} {many}\n')
        lines.append(f"{name}_count{told} {many}\n{name}_sum{told} {total_s:.6f}\n")
    return "".join(lines)


def heading(kind: str, name: str, says: str) -> str:
    """Write what stands above a family."""
    return f"# HELP {name} {says}\n# TYPE {name} {kind}\n"


@lru_cache(MOST_KEPT)
def series(labels: tuple[str, ...], values: tuple[str, ...]) -> str:
    """Write the labels of one series, with their values; nothing where there are none."""
    told = ",".join(
        f'{label}="{value.translate(_ESCAPES)}"' for label, value in zip(labels, values, strict=True)
    )
    return f"{{{told}}}" if told else ""
