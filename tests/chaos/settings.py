"""The soak's settings, from environment and command line; the platform's are in `config`."""

import argparse
import secrets
from dataclasses import dataclass
from pathlib import Path

from environs import Env
from marshmallow.validate import Range

from benchmarks.harness.settings import refusing_malformed


@dataclass(frozen=True, slots=True)
class ChaosSettings:
    """How long, how many, and which dice. `check`: judge what an earlier soak kept, run nothing."""

    seconds: float
    clients: int
    seed: int
    round_s: float
    json_path: Path | None = None
    keep: Path | None = None
    check: Path | None = None

    @property
    def units(self) -> int:
        """How many units a sale begins with: few enough that most have to wait for them."""
        return max(4, self.clients // 5)


def read_chaos_settings(arguments: list[str] | None = None) -> ChaosSettings:
    """Read `SECONDS_`, `CLIENTS`, `SEED`, `ROUND_SECONDS`, `--json`, `--keep` and `--check`."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="The fault soak.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there as well")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep history, truth and log there")
    parser.add_argument("--check", type=Path, metavar="DIR", help="judge what --keep left; run nothing")
    chosen = parser.parse_args(arguments)
    env = Env(eager=True)
    with refusing_malformed():
        seconds = env.float("SECONDS_", 120.0, validate=Range(min=5, max=86_400))
        return ChaosSettings(
            seconds=seconds,
            clients=env.int("CLIENTS", 80, validate=Range(min=4, max=2000)),
            seed=env.int("SEED", secrets.randbelow(1_000_000)),
            round_s=env.float("ROUND_SECONDS", min(15.0, seconds), validate=Range(min=3)),
            json_path=chosen.json,
            keep=chosen.keep,
            check=chosen.check,
        )
