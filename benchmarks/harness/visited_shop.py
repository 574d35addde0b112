"""The shop that a crowd visits: one that is started for it, or one that runs elsewhere and is left alone."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import config
from benchmarks.harness.platform import Platform
from benchmarks.harness.settings import admin_credentials


@dataclass(frozen=True, slots=True)
class Place:
    """Where the shop is and who its admin is; `platform`: what was started for this run."""

    url: str
    email: str
    password: str
    platform: Platform | None = None

    @property
    def environment(self) -> dict[str, str] | None:
        """What leads the shop's command line to it; None: this process's own does."""
        return None if self.platform is None else self.platform.environment()

    def groups(self) -> dict[str, set[int]]:
        """Its processes, by what they are; none of a shop elsewhere is known."""
        return {} if self.platform is None else self.platform.groups()


@contextlib.contextmanager
def open_place(url: str, port: int, settings: Mapping[str, str]) -> Iterator[Place]:
    """The shop at a URL if one is given, else one that is started now and taken away at the end.

    `settings`: the environment of one that is started, besides its port and folder.

    Raises:
        CannotMeasure: there is nobody to log in as, or the platform does not come up.
    """
    if url:
        yield Place(url, *admin_credentials(config.load_settings()))
        return
    with tempfile.TemporaryDirectory(prefix="crowd-") as folder:
        platform = Platform(Path(folder), settings, port=port)
        try:
            platform.start()
            yield Place(platform.url, *platform.admin_account(), platform)
        finally:
            platform.close()
