"""`make chaos`: runs a soak under faults on its own platform, lets it heal, judges it.

Exit codes: 0 when every promise was kept; 1 when one was broken; 2 when the soak could not take place;
130 after Ctrl-C. Whatever happens, nothing that it started is left behind.
"""

import asyncio
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.client.admin_api import product_body
from benchmarks.harness.failures import run_tool
from benchmarks.harness.progress import say
from benchmarks.harness.report import as_json, counts_of, print_report, write_report
from tests.chaos.aftermath import settle
from tests.chaos.checker import CHECKS, count_figures, judge
from tests.chaos.history import Recorder, read_history
from tests.chaos.platform import SoakedPlatform
from tests.chaos.schedule import CLOCKS, KINDS, SET_BY_S, plan_steps
from tests.chaos.settings import ChaosSettings, read_chaos_settings
from tests.chaos.soak import Soak
from tests.chaos.story import read_story
from tests.chaos.truth import load_truth, save_truth
from tests.support.set_clock import can_set_clocks

HISTORY: Final = "history.jsonl"
TRUTH: Final = "truth.json"
AFTER_S: Final = 600 + 2 * SET_BY_S[1]  # seconds that tokens live beyond the soak, by whatever clock


def main(arguments: list[str] | None = None) -> int:
    """Soak and judge, or judge what was kept; returns the exit code."""

    def work(console: Console) -> int:
        settings = read_chaos_settings(arguments)
        if settings.check is not None:
            return report(settings, settings.check, console)
        with ExitStack() as stack:
            place = settings.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-")))
            place.mkdir(parents=True, exist_ok=True)
            run(settings, place, console)
            return report(settings, place, console)

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return run_tool(work, cannot="The soak could not take place", exit_code=2)


def run(settings: ChaosSettings, place: Path, console: Console) -> None:
    """Leave a history and the stored truth in a directory.

    Raises:
        CannotMeasure: the platform does not come up, or not again.
    """
    kinds = KINDS if can_set_clocks() else tuple(kind for kind in KINDS if kind not in CLOCKS)
    steps = plan_steps(settings.seed, settings.seconds, kinds)
    say(
        console,
        f"SEED={settings.seed}: {settings.seconds:g} s, {settings.clients} clients, {len(steps)} steps",
    )
    if kinds != KINDS:
        say(console, "There is no C compiler: clocks are left alone.")
    recorder = Recorder(place / HISTORY)
    platform = SoakedPlatform(place, recorder)
    try:
        platform.start()
        crowd = platform.crowd(settings.clients, int(settings.seconds) + AFTER_S)
        shop = platform.admin(patience_s=30)
        product = shop.expect(201, "POST", "/api/v1/products", product_body())
        soak = Soak(
            settings,
            platform,
            recorder,
            crowd=crowd,
            admin_token=shop.token,
            product_id=product["id"],
        )
        asyncio.run(soak.run(steps))
        recorder.flush()
        requests = read_story(read_history(place / HISTORY)).requests
        say(console, f"Healing: {len(soak.sales)} sales, {len(requests)} requests")
        save_truth(settle(platform, recorder, soak.sales, requests, dict(crowd)), place / TRUTH)
    finally:
        platform.close()
        recorder.close()


def report(settings: ChaosSettings, place: Path, console: Console) -> int:
    """Judge what a soak left in a directory, and tell."""
    story, truth = read_story(read_history(place / HISTORY)), load_truth(place / TRUTH)
    findings, figures = judge(story, truth), count_figures(story, truth)
    shape = {"seconds": settings.seconds, "clients": settings.clients, "seed": settings.seed}
    title = f"A soak of {settings.seconds:g} s, {settings.clients} clients, SEED={settings.seed}"
    rows = [(name.replace("_", " "), _shown(figure)) for name, figure in figures.items()]
    print_report(console, title, [rows], CHECKS, findings)
    said = shape | as_json(figures, findings)
    write_report(said, settings.json_path)
    return 0 if said["passed"] else 1


def _shown(figure: object) -> str:
    if isinstance(figure, dict):
        return counts_of(figure)
    return f"{figure:,}" if isinstance(figure, int) else str(figure)


if __name__ == "__main__":
    sys.exit(main())
