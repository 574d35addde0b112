"""The figures of the whole platform: the page that a worker keeps in Redis, and what all workers measured."""

from models.errors import Unavailable
from tasks.context import Context
from tasks.figures.measured import measured_page
from tasks.figures.page import STALE_MS, FiguresPage, made_ms
from tasks.figures.text import gauge


class PlatformFigures:
    """Shows what every web process shows alike."""

    def __init__(self, context: Context) -> None:
        self._live = context.live
        self._page = FiguresPage(context)

    def text(self) -> bytes:
        """Write it, in two round trips where a worker made the page lately; little while Redis is away."""
        try:
            page, sums = self._live.figures.read()
            if not 0 <= self._live.now_ms() - made_ms(page) < STALE_MS:
                page = self._page.make()
        except Unavailable:
            return _readable(0).encode()
        return page + "".join((*measured_page(sums), _readable(1))).encode()


def _readable(answer: int) -> str:
    says = "Whether the figures of sales could be read: 0 while Redis is away"
    return gauge("sale_figures_readable", says, answer)
