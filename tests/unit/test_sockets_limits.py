"""benchmarks/sockets/: what a crowd is told, how it is spread, and which bounds of the system it heeds."""

import mmap
import os
import signal
import time
from pathlib import Path

import pytest

from benchmarks.client.http_wire import Target
from benchmarks.harness.cut_off import cut_off_after
from benchmarks.harness.failures import CannotMeasure
from benchmarks.harness.usage import Cpu, Memory
from benchmarks.sockets import settings, system_bounds
from benchmarks.sockets.__main__ import plan_parts
from benchmarks.sockets.settings import CrowdSettings, read_crowd_settings, web_processes_for
from benchmarks.sockets.system_bounds import Bound, bounds_of, opening_at_once, refuse_hopeless, sources_for

HERE = Target("127.0.0.1", 8000)
NAMES = ("SOCKETS", "RUSHERS", "UNITS", "LOGGED_IN", "URL", "WEB_PROCESSES", "DEADLINE", "CHANGES", "BURST")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that asks for nothing, on a machine of 20,000 files a process."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for module in (settings, system_bounds):
        monkeypatch.setattr(module, "files_a_process", lambda: 20_000)
    return monkeypatch


def settings_for(asked: pytest.MonkeyPatch, **environment: str) -> CrowdSettings:
    for name, value in environment.items():
        asked.setenv(name, value)
    return read_crowd_settings([])


def test_a_hundred_thousand_are_spread_over_processes_that_can_hold_them(asked: pytest.MonkeyPatch) -> None:
    wanted = settings_for(asked, SOCKETS="100000")
    assert wanted.rushers == 50_000
    assert 100_000 / wanted.web_processes < 19_000
    assert 100_000 / wanted.client_processes < 19_500
    refuse_hopeless(bounds_of(wanted, is_own_shop=True)[:1])
    assert web_processes_for(10) == 2


@pytest.mark.parametrize(
    "environment",
    [
        {"SOCKETS": "many"},
        {"SOCKETS": "0"},
        {"SOCKETS": "10", "RUSHERS": "11"},
        {"LOGGED_IN": "2"},
        {"URL": "http://127.0.0.1:1", "RECONNECT": "1"},
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(
    environment: dict[str, str], asked: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CannotMeasure):
        settings_for(asked, **environment)


def test_rushers_log_in_whatever_the_share(asked: pytest.MonkeyPatch) -> None:
    assert settings_for(asked, SOCKETS="100", RUSHERS="40", LOGGED_IN="0.1").logged_in == 40
    assert settings_for(asked, SOCKETS="100", RUSHERS="40", LOGGED_IN="0.9").logged_in == 90


def test_everybody_has_a_place_and_rushers_come_first_with_tokens(asked: pytest.MonkeyPatch) -> None:
    asked.setattr(settings, "MOST_A_CLIENT", 34)
    wanted = settings_for(asked, SOCKETS="100", RUSHERS="40", LOGGED_IN="0.5")
    plans = plan_parts(wanted, HERE, "sale", [f"token {number}" for number in range(wanted.logged_in)])
    assert len(plans) == 3
    assert sum(len(plan.tokens) for plan in plans) == 100
    assert sum(plan.rushers for plan in plans) == 40
    assert all(all(plan.tokens[: plan.rushers]) for plan in plans)
    told = [token for plan in plans for token in plan.tokens if token]
    assert len(told) == len(set(told)) == 50
    assert len({source for plan in plans for source in plan.sources}) == 3


def test_each_process_comes_from_addresses_of_its_own_with_ports_enough(asked: pytest.MonkeyPatch) -> None:
    asked.setattr(system_bounds, "sysctl", lambda _name: [1000, 1999])
    assert sources_for(2000, 2, HERE) == [("127.0.0.10", "127.0.0.11"), ("127.0.0.12", "127.0.0.13")]
    with pytest.raises(CannotMeasure, match="ports an address"):
        sources_for(1_000_000, 2, HERE)


def test_a_shop_elsewhere_is_reached_from_where_the_way_leads(asked: pytest.MonkeyPatch) -> None:
    asked.setattr(system_bounds, "sysctl", lambda _name: [1000, 1999])
    assert sources_for(900, 2, Target("192.0.2.1", 80)) == [(), ()]
    with pytest.raises(CannotMeasure, match="ports an address"):
        sources_for(1000, 2, Target("192.0.2.1", 80))


def test_fewer_are_on_their_way_where_the_queue_to_be_accepted_is_short(asked: pytest.MonkeyPatch) -> None:
    asked.setattr(system_bounds, "sysctl", lambda _name: [4096])
    roomy = opening_at_once(4)
    asked.setattr(system_bounds, "sysctl", lambda name: [512] if "somaxconn" in name else [4096])
    assert opening_at_once(4) < roomy
    assert opening_at_once(4) * 4 < 512


def test_what_cannot_be_held_is_refused_before_anything_is_started() -> None:
    fine, near = Bound("files", 100, 50, is_hard=True), Bound("ports", 100, 90)
    refuse_hopeless([fine, near, Bound("pages", 100, 200)])
    assert [bound.is_near for bound in (fine, near)] == [False, True]
    with pytest.raises(CannotMeasure, match="files: 101 needed, 100 there"):
        refuse_hopeless([Bound("files", 100, 101, is_hard=True)])


def test_the_kernels_own_words_are_read() -> None:
    assert system_bounds.sysctl("net.ipv4.tcp_mem")[1] > 0
    assert system_bounds.sysctl("net.no.such.setting") == []
    assert system_bounds.available_mib() > 0


def test_a_run_is_cut_off_when_its_time_is_up() -> None:
    with pytest.raises(CannotMeasure, match="not over"), cut_off_after(0.05):
        signal.pause()
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL


def test_a_signal_to_end_ends_a_run_in_order() -> None:
    with pytest.raises(KeyboardInterrupt), cut_off_after(20):
        signal.raise_signal(signal.SIGTERM)


def test_cpu_and_memory_of_this_process_are_seen() -> None:
    mine = {"clients": {os.getpid()}, "nobody": {2**22 + 1}}
    cpu, memory = Cpu.of(mine), Memory.of(mine)
    sockets = 20_000
    fresh = mmap.mmap(-1, sockets * 4096)  # memory that this process surely has not had before
    fresh.write(b"x" * len(fresh))
    until = time.process_time() + 0.2
    while time.process_time() < until:
        Path("/proc/self/stat").read_text()
    spent, more = Cpu.of(mine).since(cpu), Memory.of(mine).a_socket(memory, sockets)
    assert spent["clients"] >= 0.1
    assert spent["nobody"] == 0
    assert more["clients, RSS"] >= 4000
