"""The settings of `make journey`, from environment and command line; the platform's stay `config`'s."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from environs import Env
from marshmallow.validate import Range

import config
from benchmarks.harness.settings import refusing_malformed, report_path

REPORT: Final = config.ROOT / "benchmarks" / "journey.json"
UNITS: Final = 0.2  # of the people
ARRIVING_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class JourneySettings:
    """How many people, and how they behave. Times are in seconds.

    `typed`: the share that types its password; everybody else is known by cookie.
    `new`: the share that has none of the files in its cache that a page names.
    `arriving_s`: nearly all come within it before the opening, the more the nearer it is.
    `url`: a shop that runs already; empty to start one.
    """

    people: int
    units: int
    typed: float
    new: float
    arriving_s: float
    reaction_s: float
    think_s: float
    deadline_s: float
    url: str
    port: int
    json_path: Path | None

    @property
    def typing(self) -> int:
        """How many people type their password."""
        return round(self.people * self.typed)


def read_journey_settings(arguments: list[str] | None = None) -> JourneySettings:
    """Read the environment and `--json FILE`.

    Raises:
        CannotMeasure: a value is malformed.
    """
    json_path = report_path("benchmarks.journey", arguments, REPORT)
    with refusing_malformed():
        return _read(Env(eager=True), json_path)


def _read(env: Env, json_path: Path | None) -> JourneySettings:
    people = env.int("PEOPLE", 2000, validate=Range(min=1, max=100_000))
    share = Range(min=0, max=1)
    return JourneySettings(
        people=people,
        units=env.int("UNITS", max(1, round(people * UNITS)), validate=Range(min=1)),
        typed=env.float("TYPED", 0.02, validate=share),
        new=env.float("NEW", 0.25, validate=share),
        arriving_s=env.float("ARRIVING", ARRIVING_S, validate=Range(min=1, max=600)),
        reaction_s=env.float("REACTION", 0.5, validate=Range(min=0, max=60)),
        think_s=env.float("THINK", 1.0, validate=Range(min=0, max=60)),
        deadline_s=env.float("DEADLINE", 300.0, validate=Range(min=1)),
        url=env.str("URL", "").rstrip("/"),
        port=env.int("PORT", 0, validate=Range(min=0, max=65535)),
        json_path=json_path,
    )
