"""Hosts on this machine, each in a network namespace, whose cables a test can pull out."""

import ctypes
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

import pytest

from tests.support.engines import require_binary

NETWORK: Final = "10.213.7"  # known in these namespaces alone
STORES: Final = f"{NETWORK}.1"
CLONE_NEWNET: Final = 0x40000000


class Network:
    """A switch beside the stores, and a cable from it to each host."""

    def __init__(self, hosts: Sequence[str]) -> None:
        self._ip = require_binary("ip")
        if os.geteuid() != 0:
            pytest.skip("network namespaces are root's")
        self._own = f"fs{os.getpid()}"
        self._names = ["stores", *hosts]

    def space(self, name: str) -> str:
        """What the namespace of a host is called."""
        return f"{self._own}-{name}"

    def address(self, host: str) -> str:
        return f"{NETWORK}.{self._names.index(host) + 1}"

    def set_up(self) -> None:
        """Make it; skips the test where this machine does not let root do that."""
        try:
            for name in self._names:
                self._do("netns", "add", self.space(name))
        except subprocess.CalledProcessError as error:
            self.take_down()
            pytest.skip(f"no network namespaces here: {error.stderr}")
        self._in("stores", "link", "add", "switch", "type", "bridge")
        for name in self._names[1:]:
            self._in("stores", "link", "add", name, "type", "veth", "peer", "eth", "netns", self.space(name))
            self._in("stores", "link", "set", name, "master", "switch", "up")
        for name, device in [("stores", "switch"), *((name, "eth") for name in self._names[1:])]:
            self._in(name, "addr", "add", f"{self.address(name)}/24", "dev", device)
            self._in(name, "link", "set", device, "up")
            self._in(name, "link", "set", "lo", "up")

    def take_down(self) -> None:
        for name in self._names:
            with suppress(subprocess.CalledProcessError):
                self._do("netns", "del", self.space(name))

    def cut_off(self, host: str) -> None:
        """Pull a host's cable: nobody is told, and nothing arrives any more."""
        self._in("stores", "link", "set", host, "nomaster")

    def join(self, host: str) -> None:
        self._in("stores", "link", "set", host, "master", "switch")

    @contextmanager
    def at(self, name: str) -> Iterator[None]:
        """Have this thread, and what it starts, stand at a host."""
        libc = ctypes.CDLL(None, use_errno=True)
        own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self.space(name)}", os.O_RDONLY)
        try:
            assert libc.setns(there, CLONE_NEWNET) == 0
            yield
        finally:
            libc.setns(own, CLONE_NEWNET)
            os.close(own)
            os.close(there)

    def _in(self, name: str, *words: str) -> None:
        self._do("-n", self.space(name), *words)

    def _do(self, *words: str) -> None:
        subprocess.run([self._ip, *words], check=True, capture_output=True, text=True)
