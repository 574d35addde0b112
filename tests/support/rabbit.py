"""A RabbitMQ of a test's own on loopback, of one node or several, with an epmd of its own."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest

from deploy.children import launch
from deploy.embedded.places import open_log
from deploy.embedded.server import EmbeddedServer

SCRIPT: Final = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # the one in the path wants another user
CONTROL: Final = SCRIPT.with_name("rabbitmqctl")
PROBE_S: Final = 1.0
CONTROL_S: Final = 60.0
NODE_S: Final = 180.0


def require_rabbit() -> None:
    """Skip the test where this machine has no RabbitMQ; fail it where it must have one."""
    if SCRIPT.exists() and shutil.which("epmd"):
        return
    assert not os.environ.get("CI_ENGINES"), f"{SCRIPT} is missing"
    pytest.skip("this machine has no rabbitmq-server")


def quiet_ports(count: int) -> list[int]:
    """Ports that nobody listens on, below those that busy clients are given as their own."""
    found: list[int] = []
    while len(found) < count:
        port = secrets.choice(range(20_000, 32_000))
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.append(port)
    return found


class Rabbit(EmbeddedServer):
    """One node; to be killed, and started again on what it kept."""

    name: ClassVar[str] = "rabbit"
    stop_signal: ClassVar[signal.Signals] = signal.SIGKILL

    def __init__(
        self, place: Path, certificate: tuple[Path, Path] | None = None, *, joins: "Rabbit | None" = None
    ) -> None:
        """With a certificate and its key it speaks TLS on a second port. `joins`: a node of its cluster."""
        super().__init__(place)
        self.certificate = certificate
        self.port, self.tls_port, self._own_port = quiet_ports(3)
        self.node = f"tests{self.port}@localhost"
        self._joins = joins
        self._epmd_port: int = joins._epmd_port if joins else quiet_ports(1)[0]
        self._cookie_home: Path = joins._cookie_home if joins else self.home
        self._epmd: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address, with the login that it has from the beginning and lets in from loopback only."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def start(self, timeout_s: float = NODE_S) -> None:
        """Start it, with the time that a node takes which asks others, or shares its cores with many."""
        super().start(timeout_s)

    def answers(self) -> bool:
        """Whether it speaks the protocol, which it does once it has read what it kept."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), PROBE_S) as probe:
                probe.sendall(b"AMQP\0\0\x09\x01")
                return bool(probe.recv(1))
        except OSError:
            return False

    def control(self, *words: str) -> Any:
        """What `rabbitmqctl` answers, as an operator asks it."""
        variables = {name: str(value) for name, value in self._erlang().items()}
        command = [str(CONTROL), "--node", self.node, "--quiet", "--formatter", "json", *words]
        answer = subprocess.run(command, env=variables, capture_output=True, timeout=CONTROL_S, check=True)
        return json.loads(answer.stdout)

    def remove(self) -> None:
        """End whatever runs of it."""
        self.kill()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()

    def _prepare(self) -> None:
        (self.home / "plugins").write_text("[].\n")
        settings = {"listeners.tcp.1": f"127.0.0.1:{self.port}"}
        if self.certificate:
            names = ("ssl_options.certfile", "ssl_options.keyfile", "ssl_options.cacertfile")
            settings |= dict(zip(names, map(str, (*self.certificate, self.certificate[0])), strict=True))
            settings["listeners.ssl.1"] = f"127.0.0.1:{self.tls_port}"
        if self._joins:
            settings["cluster_formation.classic_config.nodes.1"] = self._joins.node
            settings["cluster_formation.classic_config.nodes.2"] = self.node
        lines = [f"{name} = {value}\n" for name, value in settings.items()]
        (self.home / "rabbitmq.conf").write_text("".join(lines))
        if self._epmd is None and not self._joins:  # else the node would start one that nobody ends
            command = ["epmd", "-port", str(self._epmd_port), "-address", "127.0.0.1"]
            with open_log(self.data_dir, "epmd").open("ab") as output:
                self._epmd = launch(command, death_signal=signal.SIGKILL, output=output)

    def _erlang(self) -> dict[str, object]:
        """What each program of it has to know."""
        return {
            "PATH": f"{os.environ['PATH']}:/usr/sbin",
            "HOME": self._cookie_home,  # where Erlang makes the cookie that nodes know each other by
            "LANG": "C.UTF-8",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": self._epmd_port,
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        }

    def _command(self) -> list[str]:
        settings = {
            **self._erlang(),
            "ERL_CRASH_DUMP": self.home / "crash.dump",
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_DIST_PORT": self._own_port,
            "RABBITMQ_CONFIG_FILE": self.home / "rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": self.home / "plugins",
            "RABBITMQ_MNESIA_BASE": self.home / "mnesia",
            "RABBITMQ_LOG_BASE": self.home / "log",
            "RABBITMQ_ALLOW_INPUT": "1",  # the script becomes the node, instead of waiting for it
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-noinput +S 2:2 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}"
            ),
        }
        return ["env", "-i", *(f"{name}={value}" for name, value in settings.items()), str(SCRIPT)]


class RabbitCluster:
    """Several nodes that keep queues together."""

    def __init__(self, place: Path, size: int = 3) -> None:
        first = Rabbit(place / "0")
        self.nodes = [first, *(Rabbit(place / str(number), joins=first) for number in range(1, size))]

    @property
    def url(self) -> str:
        """Their addresses, as processes are told them."""
        return ";".join(node.url for node in self.nodes)

    def start(self) -> None:
        """Start them, so that each finds the first."""
        for node in self.nodes:
            node.start()

    def leader(self, queue: str) -> Rabbit:
        """The node that leads a queue of the type quorum."""
        asked = next(node for node in self.nodes if node.is_alive())
        told = {one["name"]: one["leader"] for one in asked.control("list_queues", "name", "leader")}
        return next(node for node in self.nodes if node.node == told[queue])

    def remove(self) -> None:
        """End whatever runs of them."""
        for node in reversed(self.nodes):
            node.remove()
