"""The address that the shop listens on: how to bind it, how to show it, and whether it is free."""

import errno
import socket
import time
from dataclasses import dataclass
from typing import Final

from config import own_url, reachable_host

FREE_WITHIN_S: Final = 3.0  # processes of a killed run need a moment to let go of it
POLL_S: Final = 0.1


class AddressTaken(Exception):
    """The shop cannot listen at the address asked for."""


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port to listen on."""

    host: str
    port: int

    @property
    def reachable_host(self) -> str:
        """The host that a client on this machine connects to."""
        return reachable_host(self.host)

    @property
    def url(self) -> str:
        """The shop's URL for somebody on this machine."""
        return own_url(self.host, self.port)

    @property
    def bind(self) -> str:
        """The address in gunicorn's notation."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def require_free(self) -> None:
        """Make sure that nobody listens there.

        Raises:
            AddressTaken: somebody does, or the address is none of this machine's.
        """
        deadline = time.monotonic() + FREE_WITHIN_S
        while (error := self._try_to_bind()) is not None:
            if error.errno != errno.EADDRINUSE:
                raise AddressTaken(f"Cannot listen on {self.bind}: {error.strerror or error}.") from error
            if time.monotonic() > deadline:
                raise AddressTaken(
                    f"Port {self.port} is in use. Choose another: PORT={self.port + 1}"
                ) from error
            time.sleep(POLL_S)

    def _try_to_bind(self) -> OSError | None:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
                probe.listen(1)
            except OSError as error:
                return error
        return None
