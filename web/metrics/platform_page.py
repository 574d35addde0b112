"""The figures of the whole platform: the page that a worker keeps in Redis, and what all workers measured."""

from models.errors import Unavailable
from tasks.context import Context
from tasks.figures.measured import measured_page
from tasks.figures.packed import PackedPage
from tasks.figures.page import STALE_MS, FiguresPage
from tasks.figures.text import gauge


class PlatformFigures:
    """Shows what every web process shows alike."""

    def __init__(self, context: Context) -> None:
        self._live = context.live
        self._page = FiguresPage(context)

    def read(self) -> tuple[PackedPage, bytes]:
        """Read the page, and write what was measured; little while Redis is away.

        It takes two round trips where a worker made the page lately.
        """
        try:
            kept, sums = self._live.figures.read()
            page = PackedPage.read(kept)
            if not 0 <= self._live.now_ms() - page.made_ms < STALE_MS:
                page = self._page.make()
        except Unavailable:
            return PackedPage.read(b""), _readable(0).encode()
        return page, "".join((*measured_page(sums), _readable(1))).encode()


def _readable(answer: int) -> str:
    says = "Whether the figures of sales could be read: 0 while Redis is away"
    return gauge("sale_figures_readable", says, answer)
