"""The phases in which the crowd comes and stays: how soon it is there, and what it costs to hold it."""

import time
from typing import Final

from benchmarks.harness.usage import Memory, open_files_of, tcp_figure
from benchmarks.sockets.run import Run
from benchmarks.sockets.system_bounds import Bound, bounds_of

SETTLING_S: Final = 3.0  # before memory is read: what is still on its way is not what a socket costs
COMING: Final = 0.5  # of the whole run's time, for everybody to be there


def measure_coming(run: Run) -> None:
    """Have everybody come, log in and subscribe; then read what that took.

    Raises:
        CannotMeasure: they are not all there in time.
    """
    sockets = run.settings.sockets
    before, cpu = memory_of(run), run.cpu()
    began = time.monotonic()
    run.parts.ask("connect")
    tally = run.await_all("sockets", sockets, lambda count: count.ready, share=COMING)
    seconds = time.monotonic() - began
    used = run.cpu().since(cpu)
    run.log_in()
    run.check_snapshots("coming", sockets, run.sale_id)
    time.sleep(SETTLING_S)
    run.results.phases["coming"] = {
        "sockets": sockets,
        "logged in": run.settings.logged_in,
        "seconds": round(seconds, 1),
        "sockets/s": round(sockets / seconds),
        "not opened at once": dict(tally.failed),
        "refused": dict(tally.errors),
        "TCP sockets in use, both ends": tcp_figure("inuse"),
        "open files of each web process": open_files_of(run.place.groups().get("web", set())),
        "bytes a socket": memory_of(run).a_socket(before, sockets),
        "cpu": used,
    }
    _note_near_bounds(run)


def measure_idling(run: Run) -> None:
    """Let everybody wait, as a crowd does before the opening: heartbeats and nothing else."""
    before, cpu = run.parts.count(), run.cpu()
    with run.steady("idle"):
        time.sleep(run.settings.idle_s)
    after, used = run.parts.count(), run.cpu().since(cpu)
    shares = {f"{name} %": round(100 * spent / used["seconds"], 1) for name, spent in used.items()}
    shares.pop("seconds %")
    run.results.phases["idle"] = {
        "seconds": used["seconds"],
        "share of one core": shares,
        "snapshots sent": after.snapshots - before.snapshots,
    }


def memory_of(run: Run) -> Memory:
    """The memory of everybody, and of the kernel."""
    return Memory.of({**run.place.groups(), "clients": run.parts.pids})


def _note_near_bounds(run: Run) -> None:
    """Say what is near its limit, now that everybody is here."""
    bounds = bounds_of(run.settings, is_own_shop=run.place.platform is not None)
    files = open_files_of(run.place.groups().get("web", set()) | run.parts.pids)
    if files:
        bounds.append(Bound("open files of the fullest process", run.settings.files, files[0]))
    run.results.notes += [f"Near its limit: {bound}" for bound in bounds if bound.is_near]
