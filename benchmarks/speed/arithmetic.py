"""The arithmetic of the figures: a value a round, their median and spread, ratios, aims, the table."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

WIDTH: Final = 120  # characters of the table, also where no terminal says how wide it is


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, once a round."""

    name: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one: what is told."""
        return median(self.values)

    def as_json(self) -> dict[str, Any]:
        """The figure with its spread."""
        return {
            "unit": self.unit,
            "median": round(self.median, 3),
            "low": round(min(self.values), 3),
            "high": round(max(self.values), 3),
            "values": [round(value, 3) for value in self.values],
        }

    def as_row(self) -> tuple[str, str, str, str]:
        """The figure in the words of a table."""
        spread = f"{short(min(self.values))} to {short(max(self.values))}"
        return self.name, short(self.median), spread, self.unit


@dataclass(frozen=True, slots=True)
class Aim:
    """What a figure should be at least."""

    figure: Figure
    at_least: float

    @property
    def is_met(self) -> bool:
        """Say whether the median is high enough."""
        return self.figure.median >= self.at_least

    def as_json(self) -> dict[str, Any]:
        """The aim and what became of it."""
        figure = self.figure.as_json()
        return {"name": self.figure.name, "at_least": self.at_least, "met": self.is_met, **figure}


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that one run has to say."""

    machine: dict[str, Any]
    shape: dict[str, Any]
    figures: tuple[Figure, ...]
    aims: tuple[Aim, ...]

    def as_json(self) -> dict[str, Any]:
        """The report, for `latest.json`."""
        return {
            "machine": self.machine,
            "shape": self.shape,
            "figures": {figure.name: figure.as_json() for figure in self.figures},
            "aims": [aim.as_json() for aim in self.aims],
        }

    def print(self) -> None:
        """Show it to a person."""
        table = Table("what", "median", "spread", "unit", "aim", title="Speed", box=SIMPLE)
        for figure in self.figures:
            table.add_row(*figure.as_row(), "")
        table.add_section()
        for aim in self.aims:
            word = "met" if aim.is_met else "missed"
            table.add_row(*aim.figure.as_row(), f"{word}: at least {short(aim.at_least)}")
        console = Console(width=WIDTH)
        console.print(table)
        console.print(", ".join(f"{name} {value}" for name, value in self.machine.items()))


def ratio(name: str, above: Figure, below: Figure) -> Figure:
    """Divide round by round: what slowed a round down slowed both of them."""
    return Figure(name, "×", divided(above.values, below.values))


def divided(above: Sequence[float], below: Sequence[float]) -> tuple[float, ...]:
    """Divide pairs; both must be of one length."""
    return tuple(one / other for one, other in zip(above, below, strict=True))


def short(value: float) -> str:
    """Write a figure with as many digits as it is worth."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
