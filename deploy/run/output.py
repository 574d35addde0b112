"""Prints the processes' output as one stream, each line prefixed with its process' name."""

import os
from typing import IO, Final

COLOURS: Final = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)  # ANSI foreground colours
LONGEST_LINE: Final = 65_536  # bytes; a longer line is broken
SYSTEM: Final = "system"


class Output:
    """Writes whole lines to a stream; goes on silently when nobody reads it any more."""

    def __init__(self, stream: IO[bytes], width: int = 12) -> None:
        self._stream = stream
        self._width = width
        self._in_colour = stream.isatty() and "NO_COLOR" not in os.environ
        self._colours: dict[str, int] = {}

    def say(self, text: str) -> None:
        """Print a message of the runner's own, which may have several lines."""
        for line in text.splitlines():
            self.line(SYSTEM, line.encode())

    def line(self, name: str, line: bytes) -> None:
        """Print one line of the process `name`."""
        self._write(self._prefix(name) + line + b"\n")

    def plain(self, text: str) -> None:
        """Print text as it stands, for people to read."""
        self._write(text.encode() + b"\n")

    def _prefix(self, name: str) -> bytes:
        padded = f"{name:<{self._width}} | "
        if not self._in_colour:
            return padded.encode()
        colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
        return f"\x1b[{colour}m{padded}\x1b[0m".encode()

    def _write(self, data: bytes) -> None:
        try:
            self._stream.write(data)
            self._stream.flush()
        except OSError:
            # The reader of a pipe or the terminal went away, which is no reason to end a shop.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())


class LineBuffer:
    """Cuts what a pipe delivers into lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            lines.append(self._rest)
            self._rest = b""
        return [line.rstrip(b"\r") for line in lines]

    def flush(self) -> list[bytes]:
        """The unfinished line, if any."""
        rest, self._rest = self._rest, b""
        return [rest] if rest else []
