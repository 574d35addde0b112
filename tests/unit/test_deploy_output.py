"""The lines that the processes print."""

import io
import os

import pytest

from deploy.run.output import LONGEST_LINE, LineBuffer, Output


def test_each_line_is_led_by_its_process() -> None:
    stream = io.BytesIO()
    output = Output(stream, width=8)
    output.line("web.1", b"hello")
    output.say("two\nlines")
    assert stream.getvalue() == b"web.1    | hello\nsystem   | two\nsystem   | lines\n"


def test_pieces_become_whole_lines() -> None:
    lines = LineBuffer()
    assert lines.feed(b"he") == []
    assert lines.feed(b"llo\r\nyou\nthe rest") == [b"hello", b"you"]
    assert lines.flush() == [b"the rest"]
    assert lines.flush() == []


def test_a_line_without_end_does_not_eat_the_memory() -> None:
    lines = LineBuffer()
    assert lines.feed(b"x" * (LONGEST_LINE + 1)) == [b"x" * (LONGEST_LINE + 1)]
    assert lines.flush() == []


def test_a_reader_that_goes_away_stops_nobody() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as stream:
        output = Output(stream)
        output.say("nobody reads this")
        output.say("nor this")


def test_colours_are_for_terminals_only(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.BytesIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    Output(stream, width=5).line("web.1", b"x")
    assert stream.getvalue() == b"\x1b[36mweb.1 | \x1b[0mx\n"
    monkeypatch.setenv("NO_COLOR", "1")
    plain = Terminal()
    Output(plain, width=5).line("web.1", b"x")
    assert plain.getvalue() == b"web.1 | x\n"
