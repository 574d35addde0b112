"""Reads a Procfile and a scale (`web=1,worker=4`), and can run them without the supervisor.

    python -m deploy.run.procfile --scale web=1,worker=4

runs the processes against servers that are there already; `deploy.run` also brings the servers.
"""

import argparse
import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.run.output import Output
from deploy.run.runner import ProcessSpec, ReleaseFailed, Runner
from deploy.run.stopping import Stopping

LINE: Final = re.compile(r"([A-Za-z0-9_-]+)\s*:\s*(\S.*)")
RELEASE: Final = "release"
OPERATORS: Final = frozenset("();<>|&")


class ProcfileError(Exception):
    """The Procfile, or the scale asked for, cannot be run."""


@dataclass(frozen=True, slots=True)
class Procfile:
    """The commands by name, in the file's order, and the directory they run in."""

    directory: Path
    commands: Mapping[str, str]

    @property
    def release(self) -> str | None:
        """The command that runs to its end before the others start."""
        return self.commands.get(RELEASE)

    @property
    def processes(self) -> Mapping[str, str]:
        """The commands that run for good."""
        return {name: command for name, command in self.commands.items() if name != RELEASE}


def read_procfile(path: Path) -> Procfile:
    """Read a Procfile from disk.

    Raises:
        ProcfileError: it is not there, or a line is not to be understood.
    """
    try:
        text = path.read_text()
    except OSError as error:
        raise ProcfileError(f"Cannot read {path}: {error.strerror}.") from error
    return Procfile(path.absolute().parent, parse_procfile(text))


def parse_procfile(text: str) -> dict[str, str]:
    """The commands of a Procfile's text by name: one `name: command` a line, `#` begins a comment line.

    A command is one simple command, with variables if it likes: its process is then the program itself, and
    the signal to stop reaches it and not a shell.

    Raises:
        ProcfileError: a line is malformed, repeats a name, or joins several commands.
    """
    commands: dict[str, str] = {}
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        if not match:
            raise ProcfileError(f"Procfile line {number} is not `name: command`: {line}")
        name, command = match.groups()
        if name in commands:
            raise ProcfileError(f"Procfile line {number} names {name} a second time.")
        _require_simple(name, command)
        commands[name] = command
    return commands


def parse_scale(text: str) -> dict[str, int]:
    """How many of each process, from `web=1,worker=4`.

    Raises:
        ProcfileError: a part is not `name=count`.
    """
    scale: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, separator, count = part.partition("=")
        if not separator or not count.strip().isdigit():
            raise ProcfileError(f"The scale has the form web=1,worker=4; not understood: {part}")
        scale[name.strip()] = int(count)
    return scale


def specs_of(procfile: Procfile, scale: Mapping[str, int]) -> list[ProcessSpec]:
    """Every process to run: one of each name unless `scale` says otherwise.

    Raises:
        ProcfileError: the scale names a process that the Procfile does not.
    """
    if unknown := sorted(set(scale) - set(procfile.processes)):
        known = ", ".join(procfile.processes)
        raise ProcfileError(f"The scale names {', '.join(unknown)}; the Procfile has {known}.")
    return [
        ProcessSpec(name, instance, command, procfile.directory)
        for name, command in procfile.processes.items()
        for instance in range(1, scale.get(name, 1) + 1)
    ]


def release_spec(procfile: Procfile) -> ProcessSpec | None:
    """The process that runs before all others, if the Procfile has one."""
    if procfile.release is None:
        return None
    return ProcessSpec(RELEASE, 1, procfile.release, procfile.directory)


def _require_simple(name: str, command: str) -> None:
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.commenters = ""
    try:
        words = list(lexer)
    except ValueError as error:
        raise ProcfileError(f"The command of {name} has an open quote: {command}") from error
    if any(set(word) <= OPERATORS for word in words if word):
        raise ProcfileError(f"The command of {name} joins commands; put them into a script: {command}")


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.run.procfile", description="Run a Procfile.")
    parser.add_argument("--procfile", type=Path, default=Path("Procfile"))
    parser.add_argument("--scale", default=os.environ.get("SCALE", ""), help="for example web=1,worker=4")
    parser.add_argument("--no-release", action="store_true", help="start without running `release` first")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a Procfile until told to stop; 0 when everything ended in order."""
    options = _arguments(arguments)
    stopping, output = Stopping(), Output(sys.stdout.buffer)
    try:
        procfile = read_procfile(options.procfile)
        specs = specs_of(procfile, parse_scale(options.scale))
        runner = Runner(os.environ, output, stopping)
        release = release_spec(procfile)
        if release and not options.no_release:
            runner.run_release(release)
    except (ProcfileError, ReleaseFailed) as error:
        output.say(str(error))
        return 1
    try:
        runner.start(specs)
        while not stopping.is_asked:
            runner.turn()
    finally:
        runner.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
