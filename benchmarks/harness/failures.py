"""Why nothing was learnt: the ways in which a run of a load tool comes to nothing, and how it says so."""

from collections.abc import Callable
from typing import Final

from rich.console import Console

from benchmarks.client.http import NoAnswer
from benchmarks.harness.progress import say
from models.errors import LedgerUnavailable

INTERRUPTED: Final = 130  # the exit code after Ctrl-C


class CannotMeasure(RuntimeError):
    """Nothing was learnt about the shop, or what was measured is not what it claims to be."""


class PlatformFailed(CannotMeasure):
    """The platform, or one of its programs, did not come up or did not do its work."""


class NoBulkTokens(CannotMeasure):
    """The command line cannot make a crowd here: it is refused, or serves another database."""


class NoBooks(CannotMeasure):
    """The provider's books cannot be read from here."""


def run_tool(work: Callable[[Console], int], *, cannot: str, exit_code: int) -> int:
    """Do what a tool does; returns its exit code, the named one where it came to nothing."""
    console = Console()
    try:
        return work(console)
    except (CannotMeasure, NoAnswer, LedgerUnavailable) as error:
        say(console, f"{cannot}: {error}")
        return exit_code
    except KeyboardInterrupt:
        say(console, "Interrupted.")
        return INTERRUPTED
