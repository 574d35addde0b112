"""Pins what the lists ask for, by `uv`: `make lock`. Each file holds what the one before it lacks.

What is pinned already stays as it is, unless a list asks for something else; to take in newer versions of
what the lists do not name, delete the .txt files before.
"""

import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
LAYERS: Final = ("app", "local", "dev")
COMPILE: Final = (
    *("uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"),
    *("--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url"),
)


def main() -> None:
    """Write every file again."""
    if not shutil.which("uv"):
        raise SystemExit("uv is needed for this, and for nothing else: pip install uv")
    pinned: dict[str, set[str]] = {}
    below = ""
    for layer in LAYERS:
        file = HERE / f"{layer}.txt"
        kept = [f"--constraint={one}" for one in (HERE / f"{name}.txt" for name in LAYERS) if one.exists()]
        done = subprocess.run(
            [*COMPILE, *kept, HERE / f"{layer}.in"], stdout=subprocess.PIPE, text=True, check=True
        )
        blocks: dict[str, str] = defaultdict(str)  # several for one name, where versions of Python differ
        for name, block in _blocks(done.stdout):
            blocks[name] += block
        if moved := [name for name in blocks.keys() & pinned.keys() if _pins(blocks[name]) != pinned[name]]:
            raise SystemExit(f"{layer}.in wants other versions than the files before it: {', '.join(moved)}")
        new = {name: block for name, block in blocks.items() if name not in pinned}
        file.write_text(below + "".join(new.values()))
        pinned |= {name: _pins(block) for name, block in new.items()}
        below = f"-r {file.name}\n"


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """Split into a requirement each, with its hashes."""
    for block in re.split(r"^(?=\S)", text, flags=re.MULTILINE)[1:]:
        yield re.split(r"[=\[ ]", block, maxsplit=1)[0], block


def _pins(text: str) -> set[str]:
    return set(re.findall(r"^[^=\s]+==(\S+)", text, flags=re.MULTILINE))


if __name__ == "__main__":
    main()
