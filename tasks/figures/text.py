"""Writes figures as Prometheus reads them; only the little of its format that figures need."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from tasks.runtime.measures import NAMES, SUM

Row = tuple[Sequence[str], float]  # the labels' values, and the figure

_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def family(kind: str, name: str, says: str, labels: Sequence[str], rows: Iterable[Row]) -> str:
    """Write one family of series: `kind` is gauge or counter."""
    lines = [f"# HELP {name} {says}\n# TYPE {name} {kind}\n"]
    begin = [f'{"," if at else ""}{label}="' for at, label in enumerate(labels)]
    for values, figure in rows:
        told = "".join(
            f'{start}{value.translate(_ESCAPES)}"' for start, value in zip(begin, values, strict=True)
        )
        lines.append(f"{name}{{{told}}} {figure:.15g}\n" if told else f"{name} {figure:.15g}\n")
    return "".join(lines)


def gauge(name: str, says: str, figure: float) -> str:
    """Write one gauge without labels."""
    return family("gauge", name, says, [], [((), figure)])


def histogram(name: str, says: str, label: str, times: Mapping[str, Mapping[str, int]]) -> str:
    """Write times as `Measures` counts them: by the label's value, how many fell under each upper bound."""
    lines = [f"# HELP {name} {says}\n# TYPE {name} histogram\n"]
    for value, by_bound in times.items():
        told, many = f'{label}="{value.translate(_ESCAPES)}"', 0
        for bound in NAMES:
            many += by_bound.get(bound, 0)
            lines.append(f'{name}_bucket{{{told},le="{bound}"}} {many}\n')
        total_s = by_bound.get(SUM, 0) / 1e6
        lines.append(f"{name}_count{{{told}}} {many}\n{name}_sum{{{told}}} {total_s:.6f}\n")
    return "".join(lines)
