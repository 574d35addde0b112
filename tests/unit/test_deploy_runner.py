"""The Procfile's processes while they run, with real processes."""

import io
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.harness.processes import runs
from deploy.run.output import Output
from deploy.run.runner import ProcessSpec, ReleaseFailed, Runner
from deploy.run.stopping import Stopping

DEADLINE_S = 20.0

# Says so when it is told to stop, like a worker that finishes its task first.
POLITE = """python -u -c '
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit("bye"))
print("up", flush=True)
while True: signal.pause()
'"""
STUBBORN = """python -u -c '
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
while True: signal.pause()
'"""
# Leaves a child behind that a killed parent cannot stop.
PARENT = """python -u -c '
import signal, subprocess
child = subprocess.Popen(["sleep", "1000"])
print("child", child.pid, flush=True)
while True: signal.pause()
'"""


class Scene:
    """A runner and what its processes printed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.stream = io.BytesIO()
        self.stopping = Stopping()
        self.runner = Runner(os.environ, Output(self.stream, width=8), self.stopping, grace_s=1.0)

    def spec(self, name: str, command: str, instance: int = 1) -> ProcessSpec:
        return ProcessSpec(name, instance, command, self.directory)

    @property
    def text(self) -> str:
        return self.stream.getvalue().decode()

    def turn_until(self, claim: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not claim():
            assert time.monotonic() < deadline, self.text
            self.runner.turn()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    scene = Scene(tmp_path)
    yield scene
    scene.runner.stop()
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_process_is_the_program_itself_and_knows_its_name(scene: Scene) -> None:
    command = (
        """python -c 'import os; print(os.getpid(), os.environ["PROCESS_NAME"], os.environ["INSTANCE"])'"""
    )
    scene.runner.start([scene.spec("worker", command, instance=2)])
    pid = scene.runner.pids["worker.2"]
    scene.turn_until(lambda: f"{pid} worker.2 2" in scene.text)


def test_a_process_that_died_is_started_again_and_the_log_says_so(scene: Scene) -> None:
    scene.runner.start([scene.spec("web", POLITE)])
    scene.turn_until(lambda: scene.text.count("up") == 1)
    first = scene.runner.pids["web.1"]
    os.kill(first, signal.SIGKILL)
    scene.turn_until(lambda: scene.text.count("up") == 2)
    assert scene.runner.pids["web.1"] != first
    assert "system   | web.1 ended with signal SIGKILL; again in 0.2 s" in scene.text


def test_last_words_without_a_newline_are_printed(scene: Scene) -> None:
    scene.runner.start(
        [scene.spec("web", """python -c 'import sys; sys.stdout.write("oops"); sys.exit(3)'""")]
    )
    scene.turn_until(lambda: "web.1 ended with exit code 3" in scene.text)
    assert "web.1    | oops\n" in scene.text


def test_stopping_asks_each_process_and_waits_for_its_answer(scene: Scene) -> None:
    scene.runner.start([scene.spec("worker", POLITE, instance) for instance in (1, 2)])
    scene.turn_until(lambda: scene.text.count("up") == 2)
    scene.runner.stop()
    assert "worker.1 | bye" in scene.text
    assert "worker.2 | bye" in scene.text
    assert scene.runner.pids == {}


def test_stopping_never_signals_the_children_of_a_process_that_lives(scene: Scene) -> None:
    waits = """python -u -c '
import signal, subprocess, sys
child = subprocess.Popen(["sleep", "0.5"])
signal.signal(signal.SIGTERM, lambda *_: sys.exit("child ended with %s" % child.wait()))
print("up", flush=True)
while True: signal.pause()
'"""
    scene.runner.start([scene.spec("worker", waits)])
    scene.turn_until(lambda: "up" in scene.text)
    scene.runner.stop()
    assert "child ended with 0" in scene.text


def test_who_does_not_stop_in_time_is_killed(scene: Scene) -> None:
    scene.runner.start([scene.spec("web", STUBBORN)])
    scene.turn_until(lambda: "up" in scene.text)
    scene.runner.stop()
    assert "web.1 did not stop; killed" in scene.text


def test_the_children_of_a_process_that_died_do_not_stay(scene: Scene) -> None:
    scene.runner.start([scene.spec("web", PARENT)])
    scene.turn_until(lambda: "child" in scene.text)
    child = int(scene.text.split("child ")[1].split()[0])
    os.kill(scene.runner.pids["web.1"], signal.SIGKILL)
    scene.turn_until(lambda: not runs(child))


def test_a_release_that_fails_stops_everything(scene: Scene) -> None:
    with pytest.raises(ReleaseFailed, match="release ended with exit code 4"):
        scene.runner.run_release(
            scene.spec("release", """python -c 'print("migrating"); raise SystemExit(4)'""")
        )
    assert "release.1 | migrating" in scene.text


def test_a_release_that_works_is_waited_for(scene: Scene) -> None:
    scene.runner.run_release(scene.spec("release", "touch done"))
    assert (scene.directory / "done").exists()
    assert scene.runner.pids == {}


def test_a_signal_to_stop_ends_the_release_without_calling_it_failed(scene: Scene) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    scene.runner.run_release(scene.spec("release", "sleep 1000"))
    assert scene.stopping.is_asked
    assert not scene.stopping.is_pressed
