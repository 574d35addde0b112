"""`make screenshots`: plays every scene on its own platform and takes its pictures.

Exit codes: 0 when all pictures were taken; 1 when a page had an error, asked another host or was not reached;
2 when there is no browser. Whatever happens, nothing that it started is left behind.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from playwright.sync_api import Error, expect, sync_playwright
from rich.console import Console

from config import ROOT
from tests.browser.chromium import MISSING, find_chromium, start_chromium
from tests.screens.camera import looks, spoken_to, take, views_of
from tests.screens.opening import stage_on
from tests.screens.scene import Scene
from tests.screens.scenes import SCENES
from tests.screens.stage import PATIENCE_MS, Stage

FOLDER: Final = ROOT / "docs" / "screens"
MOST_BYTES: Final = 3_000_000  # of all pictures that are kept in the repository


def main(arguments: Sequence[str] | None = None) -> int:
    """Take pictures of the scenes that are asked for; returns the exit code."""
    asked = _read(arguments)
    console = Console(highlight=False)
    chromium = find_chromium()
    if chromium is None:
        console.print(f"There is {MISSING}.")
        return 2
    expect.set_options(timeout=PATIENCE_MS)
    asked.to.mkdir(parents=True, exist_ok=True)
    if asked.to == FOLDER and not asked.only:
        for old in FOLDER.glob("*.webp"):  # some may be of views that are no more
            old.unlink()
    with sync_playwright() as playwright, stage_on(start_chromium(playwright.chromium, chromium)) as stage:
        complaints = [
            complaint
            for scene in SCENES
            if not asked.only or scene.name in asked.only
            for complaint in _picture(stage, scene, asked, console)
        ]
    return _tell(asked.to, complaints, console)


def _read(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.screens", description="Picture the pages.")
    parser.add_argument("only", nargs="*", help="names of scenes; all without")
    parser.add_argument("--every", action="store_true", help="every scene at every width and in both schemes")
    parser.add_argument("--language", default="", help="load each scene again in this language, e.g. fr")
    parser.add_argument("--to", type=Path, default=FOLDER, help="the folder (docs/screens)")
    return parser.parse_args(arguments)


def _picture(stage: Stage, scene: Scene, asked: argparse.Namespace, console: Console) -> list[str]:
    """Play a scene and take its pictures; returns what was wrong."""
    try:
        page = scene.play(stage)
        with spoken_to(page, asked.language):
            for view in looks(page, views_of(scene, every=asked.every)):
                path = asked.to / f"{scene}-{view}.webp"
                console.print(f"{path}  {take(page, path) / 1000:.0f} KB")
    except (AssertionError, Error) as error:
        return [f"{scene}: {error}", *stage.clear()]
    return [f"{scene}: {complaint}" for complaint in stage.clear()]


def _tell(folder: Path, complaints: Sequence[str], console: Console) -> int:
    size = sum(path.stat().st_size for path in folder.glob("*.webp"))
    if folder == FOLDER and size > MOST_BYTES:
        complaints = [
            *complaints,
            f"The pictures take {size / 1e6:.1f} MB, more than the repository is to hold.",
        ]
    for complaint in complaints:
        console.print(complaint, style="red")
    console.print(f"{len(list(folder.glob('*.webp')))} pictures in {folder}, {size / 1e6:.2f} MB.")
    return 1 if complaints else 0


if __name__ == "__main__":
    raise SystemExit(main())
