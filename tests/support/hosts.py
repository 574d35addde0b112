"""Hosts that run the platform's programs, each on a network of its own, against stores that all share."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.harness.platform import Platform
from benchmarks.harness.programs import bare_environment
from config import ROOT
from deploy.embedded import EmbeddedRedis
from tests.support.contexts import SECRET_KEY
from tests.support.network import STORES, Network
from tests.support.replicas import Primary

WORK: Final = ("web", "worker", "payments")


class Host(Platform):
    """The programs of the platform on one host."""

    def __init__(self, network: Network, name: str, place: Path, settings: Mapping[str, str]) -> None:
        self.network, self.name = network, name
        (place / "data").mkdir(parents=True)
        super().__init__(place, {"WEB_PROCESSES": "1", **settings, "HOST": network.address(name)}, port=8000)
        self.target = type(self.target)(network.address(name), 8000)

    def launch(
        self, name: str, words: Sequence[str], more: Mapping[str, str] | None = None, **rest: object
    ) -> "subprocess.Popen[bytes]":
        """As any platform's, by a thread that stands at this host meanwhile."""
        with self.network.at(self.name):
            return super().launch(name, words, more, **rest)  # type: ignore[arg-type]


class RedisOnPort(EmbeddedRedis):
    """A Redis that hosts reach."""

    def _command(self) -> list[str]:
        return [*super()._command(), "--bind", STORES, "--port", "6379", "--protected-mode", "no"]


@dataclass
class Shared:
    """What stands beside the switch."""

    network: Network
    place: Path
    postgres: Primary
    redis: RedisOnPort
    hosts: dict[str, Host] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return bare_environment() | {
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": f"redis://{STORES}:6379/0",
            "BROKER_URL": self.broker_url,
            "SECRET_KEY": SECRET_KEY,
            "DATA_DIR": str(self.place),
            "RATE_LIMIT_ENABLED": "0",
            "DRAIN_SECONDS": "2",
        }

    @property
    def broker_url(self) -> str:
        return f"redis://{STORES}:6379/1"

    def start_host(self, name: str) -> None:
        host = self.hosts[name] = Host(self.network, name, self.place / name, self.environment)
        for program in WORK:
            host.start_program(program)

    def tokens(self, count: int) -> list[str]:
        path = self.place / "tokens"
        command = [sys.executable, "-m", "flask", "--app", "web", "users", "crowd", "--count", str(count)]
        subprocess.run(
            [*command, "--tokens", str(path)],
            env=self.environment,
            cwd=ROOT,
            check=True,
            capture_output=True,
            timeout=120,
        )
        return [line.split()[1] for line in path.read_text().splitlines()]
