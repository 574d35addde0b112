"""Which connections are of one network."""

from contextlib import ExitStack

import gevent
import pytest

from deploy.server import silent_connections
from deploy.server.silent_connections import Silence, network_of


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.7", "203.0.113.8", False),
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
    ],
)
def test_a_network_is_an_address_or_a_64(one: str, other: str, same: bool) -> None:
    assert (network_of((one, 1)) == network_of((other, 2))) == same


def test_a_unix_socket_has_none() -> None:
    assert network_of("") == network_of(b"") == b""


def test_a_connection_that_has_spoken_meanwhile_is_not_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silent_connections, "MOST_SILENT", 2)
    let_go: list[object] = []
    silence = Silence(lambda _greenlet, wait: let_go.append(wait))
    with ExitStack() as waits:
        waits.enter_context(silence.of(("203.0.113.7", 1), "spoke", lambda: False))
        waits.enter_context(silence.of(("203.0.113.7", 1), "silent", lambda: True))
        waits.enter_context(silence.of(("203.0.113.7", 1), "new", lambda: True))
        gevent.sleep(0)
        assert let_go == []  # the one that spoke made room
        waits.enter_context(silence.of(("203.0.113.7", 2), "newest", lambda: True))
        gevent.sleep(0)
        assert let_go == ["silent"]
