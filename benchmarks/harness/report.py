"""The frame of every report: figures, how often each check failed, and the rows that offend."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import orjson
from rich.console import Console
from rich.table import Table

from benchmarks.harness.progress import say
from benchmarks.verify.testimony import Finding

ROWS_SHOWN: Final = 5  # offending rows printed a check
ROWS_KEPT: Final = 100  # offending rows a check in the JSON
ROW_CHARACTERS: Final = 1500  # of a row that are printed

Findings = Mapping[str, Sequence[Finding]]
Lines = Iterable[tuple[str, str]]


def as_json(figures: dict[str, Any], findings: Findings, notes: Sequence[str] = ()) -> dict[str, Any]:
    """The report for machines."""
    return {
        "passed": not any(findings.values()),
        "figures": figures,
        "checks": {check: len(found) for check, found in findings.items()},
        "findings": [asdict(finding) for found in findings.values() for finding in found[:ROWS_KEPT]],
        "notes": list(notes),
    }


def write_report(report: dict[str, Any], path: Path | None) -> None:
    """Write the report for machines down, where a file is named for it."""
    if path is not None:
        path.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2) + b"\n")


def print_report(
    console: Console,
    title: str,
    sections: Iterable[Lines],
    labels: Mapping[str, str],
    findings: Findings,
    *,
    notes: Iterable[str] = (),
) -> None:
    """The report for people: figures, checks, the rows that offend, and what it all comes to."""
    print_table(console, title, sections, labels, findings)
    print_rows(console, findings, notes)
    say(console, "PROMISES WERE BROKEN." if any(findings.values()) else "Every promise was kept.")


def print_table(
    console: Console, title: str, sections: Iterable[Lines], labels: Mapping[str, str], findings: Findings
) -> None:
    """Figures by section, and how often each check failed."""
    table = Table(title=title, show_header=False)
    table.add_column("what", no_wrap=True)
    table.add_column("figure", justify="right")
    for section in sections:
        for what, figure in section:
            table.add_row(what, figure)
        table.add_section()
    for check, found in findings.items():
        table.add_row(labels[check], str(len(found)), style="bold red" if found else "green")
    console.print(table)


def print_rows(console: Console, findings: Findings, notes: Iterable[str] = ()) -> None:
    """What else is worth saying, and the first rows of each check that failed."""
    for note in notes:
        say(console, note)
    for check, found in findings.items():
        for finding in found[:ROWS_SHOWN]:
            say(console, f"{check}: {finding.detail}: {finding.row[:ROW_CHARACTERS]}")
        if len(found) > ROWS_SHOWN:
            say(console, f"{check}: … and {len(found) - ROWS_SHOWN} more")


def counts_of(counts: Mapping[str, int]) -> str:
    """Counts by name, in one line."""
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items())) or "none"
