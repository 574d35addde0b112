"""Writes a soak's report: a table for people, JSON for machines."""

from dataclasses import asdict
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.harness.progress import say
from benchmarks.verify.testimony import Finding
from tests.chaos.checker import CHECKS
from tests.chaos.settings import ChaosSettings

ROWS_SHOWN: Final = 5  # findings printed a check
ROWS_KEPT: Final = 100  # findings a check in the JSON
ROW_CHARACTERS: Final = 1500


def as_json(
    settings: ChaosSettings, figures: dict[str, Any], findings: dict[str, list[Finding]]
) -> dict[str, Any]:
    """Lay the report out for machines."""
    return {
        "passed": not any(findings.values()),
        "seconds": settings.seconds,
        "clients": settings.clients,
        "seed": settings.seed,
        "figures": figures,
        "checks": {check: len(found) for check, found in findings.items()},
        "findings": [asdict(finding) for found in findings.values() for finding in found[:ROWS_KEPT]],
    }


def print_report(
    console: Console, settings: ChaosSettings, figures: dict[str, Any], findings: dict[str, list[Finding]]
) -> None:
    """Show the report: figures, checks, and the findings themselves."""
    title = f"A soak of {settings.seconds:g} s, {settings.clients} clients, SEED={settings.seed}"
    table = Table(title=title, show_header=False)
    table.add_column("what", no_wrap=True)
    table.add_column("figure", justify="right")
    for name, figure in figures.items():
        table.add_row(name.replace("_", " "), _shown(figure))
    table.add_section()
    for check, found in findings.items():
        table.add_row(CHECKS[check], str(len(found)), style="bold red" if found else "green")
    console.print(table)
    for check, found in findings.items():
        for finding in found[:ROWS_SHOWN]:
            say(console, f"{check}: {finding.detail}: {finding.row[:ROW_CHARACTERS]}")
        if len(found) > ROWS_SHOWN:
            say(console, f"{check}: … and {len(found) - ROWS_SHOWN} more")
    say(console, "PROMISES WERE BROKEN." if any(findings.values()) else "Every promise was kept.")


def _shown(figure: object) -> str:
    if isinstance(figure, dict):
        return ", ".join(f"{name} {count:,}" for name, count in sorted(figure.items())) or "none"
    return f"{figure:,}" if isinstance(figure, int) else str(figure)
