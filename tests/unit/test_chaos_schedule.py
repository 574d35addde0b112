"""The nemesis' plan and whom it hits: pure, replayable, complete."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.harness.processes import Process
from config import ROOT
from deploy.run.procfile import read_procfile
from tests.chaos.errands import draw_errands
from tests.chaos.nemesis import choose, choose_targets
from tests.chaos.platform import BEGINS_AT_S, set_ahead
from tests.chaos.schedule import BUSY, CLOCKS, KINDS, SET_BY_S, SICK, STALL_S, STORE_STALL_S, Step, plan_steps


def test_a_seed_plans_the_same_steps_again() -> None:
    assert plan_steps(7, 60) == plan_steps(7, 60)
    assert plan_steps(7, 60) != plan_steps(8, 60)
    assert draw_errands(7, 0, 3, 15) == draw_errands(7, 0, 3, 15)
    assert draw_errands(7, 0, 3, 15) != draw_errands(7, 1, 3, 15)


@pytest.mark.parametrize("seconds", [5, 12, 60, 600])
def test_every_kind_comes_equally_often_and_in_time(seconds: float) -> None:
    steps = plan_steps(1, seconds)
    counts = Counter(step.kind for step in steps)
    assert set(counts) == set(KINDS)
    assert len(set(counts.values())) == 1
    assert all(0 <= step.at_s <= BUSY * seconds for step in steps)
    assert list(steps) == sorted(steps, key=lambda step: step.at_s)


def test_a_long_soak_has_many_rounds_of_faults() -> None:
    assert len(plan_steps(1, 120)) >= 4 * len(KINDS)


def test_a_stalled_worker_goes_on_after_one_to_five_seconds() -> None:
    stalls = [step for step in plan_steps(3, 600) if step.kind == "stall_worker"]
    assert all(STALL_S[0] <= step.for_s <= STALL_S[1] for step in stalls)


def test_a_store_ails_for_some_seconds() -> None:
    ill = [step for step in plan_steps(3, 600) if step.kind in SICK]
    assert {step.kind for step in ill} == set(SICK)
    assert all(STORE_STALL_S[0] <= step.for_s <= STORE_STALL_S[1] for step in ill)


def test_clocks_are_set_both_ways_by_up_to_an_hour_and_never_before_the_first_log_in() -> None:
    steps = [step for step in plan_steps(3, 600) if step.kind in CLOCKS]
    assert {step.amount < 0 for step in steps if step.kind == "clock_back"} == {True}
    assert {step.amount > 0 for step in steps if step.kind == "clock_ahead"} == {True}
    assert all(SET_BY_S[0] <= abs(step.amount) <= SET_BY_S[1] for step in steps)
    assert min(step.amount for step in steps) >= BEGINS_AT_S


def test_kinds_that_cannot_be_had_are_left_out() -> None:
    kinds = tuple(kind for kind in KINDS if kind not in CLOCKS)
    assert {step.kind for step in plan_steps(1, 20, kinds)} == set(kinds)


def test_a_procfile_with_another_clock_runs_the_same_commands(tmp_path: Path) -> None:
    path = tmp_path / "Procfile"
    commands = read_procfile(ROOT / "Procfile").commands
    path.write_text(set_ahead(commands, ROOT, {"LD_PRELOAD": "/a b/clock.so"}))
    written = read_procfile(path).commands
    assert written.keys() == commands.keys()
    for name, command in written.items():
        assert command == f"env -C {ROOT} LD_PRELOAD='/a b/clock.so' {commands[name]}"


FAMILY = [
    Process(10, 1, "web.1"),
    Process(20, 1, "worker.1"),
    Process(21, 1, "worker.2"),
    Process(30, 1, "redis-server"),
    Process(40, 1, "postgres"),
    Process(11, 10, "web.1"),
    Process(12, 10, "web.1"),
    Process(41, 40, "postgres"),
]


@pytest.mark.parametrize(
    ("kind", "lot", "pid"),
    [
        ("kill_web", 5, 10),
        ("kill_web_child", 0, 11),
        ("kill_web_child", 1, 12),
        ("kill_worker", 0, 20),
        ("stall_worker", 3, 21),
        ("kill_redis", 9, 30),
        ("stop_postgres", 1, 40),
    ],
)
def test_a_fault_hits_whom_it_is_meant_for(kind: str, lot: int, pid: int) -> None:
    hit = choose(FAMILY, Step(0, kind, lot))
    assert hit is not None
    assert hit.pid == pid


def test_a_fault_without_a_target_hits_nobody() -> None:
    assert choose(FAMILY, Step(0, "kill_beat")) is None
    assert choose_targets(FAMILY, Step(0, "kill_beat")) == []


def test_postgres_is_stalled_with_all_that_it_started() -> None:
    assert [one.pid for one in choose_targets(FAMILY, Step(0, "stall_postgres"))] == [40, 41]
    assert [one.pid for one in choose_targets(FAMILY, Step(0, "stop_postgres", 1))] == [40]
