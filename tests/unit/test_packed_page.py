"""A page that stays packed on its way from who made it to who asks for it."""

import gzip

from tasks.figures.packed import PackedPage

PAGE = b"".join(b'sale_held{sale="%d"} %d\n' % (one, one % 7) for one in range(5_000))


def test_what_follows_a_packed_page_is_read_behind_it_packed_and_plain() -> None:
    page = PackedPage.read(PackedPage.of(PAGE, 1_700_000_000_123).written())
    assert page.made_ms == 1_700_000_000_123
    assert len(page.blocks) < len(PAGE) / 4
    for rest in (b"", b"sockets 3\n"):
        assert gzip.decompress(page.gzipped(rest)) == page.plain(rest) == PAGE + rest


def test_where_no_page_is_kept_what_follows_stands_alone() -> None:
    nothing = PackedPage.read(b"")
    assert nothing.made_ms == 0
    assert gzip.decompress(nothing.gzipped(b"sockets 3\n")) == nothing.plain(b"sockets 3\n") == b"sockets 3\n"
