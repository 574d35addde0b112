"""A RabbitMQ of a test's own on loopback, with a folder, a node name and an epmd of its own."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final

import pytest

from deploy.children import launch
from deploy.embedded.places import open_log
from deploy.embedded.server import EmbeddedServer

SCRIPT: Final = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # the one in the path wants another user
PROBE_S: Final = 1.0


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

    def __init__(self, place: Path, certificate: tuple[Path, Path] | None = None) -> None:
        """With a certificate and its key it speaks TLS on a second port."""
        super().__init__(place)
        self.certificate = certificate
        self.port, self.tls_port, self._own_port, self._epmd_port = quiet_ports(4)
        self._epmd: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address, with the login that it has from the beginning and lets in from loopback only."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def answers(self) -> bool:
        """Whether it speaks the protocol, which it does once it has read what it kept."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), PROBE_S) as probe:
                probe.sendall(b"AMQP\0\0\x09\x01")
                return bool(probe.recv(1))
        except OSError:
            return False

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
        lines = [f"{name} = {value}\n" for name, value in settings.items()]
        (self.home / "rabbitmq.conf").write_text("".join(lines))
        if self._epmd is None:  # else the node would start one that nobody ends
            command = ["epmd", "-port", str(self._epmd_port), "-address", "127.0.0.1"]
            with open_log(self.data_dir, "epmd").open("ab") as output:
                self._epmd = launch(command, death_signal=signal.SIGKILL, output=output)

    def _command(self) -> list[str]:
        settings = {
            "PATH": f"{os.environ['PATH']}:/usr/sbin",
            "HOME": self.home,  # where Erlang makes its cookie
            "LANG": "C.UTF-8",
            "ERL_CRASH_DUMP": self.home / "crash.dump",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": self._epmd_port,
            "RABBITMQ_NODENAME": "tests@localhost",
            "RABBITMQ_DIST_PORT": self._own_port,
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
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
