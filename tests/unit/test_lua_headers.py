"""A script's header is held against its body, because headers rot."""

import re
from pathlib import Path

import pytest

from models.live.scripts import FOLDER

SCRIPTS = sorted(FOLDER.glob("*.lua"))
COMMAND = re.compile(r"redis\.call\('([A-Z]+)'\s*(?:,\s*([^,)]+))?")
KEYLESS = {"TIME", "PUBLISH"}


def parts(script: Path) -> tuple[str, str]:
    lines = script.read_text().splitlines()
    length = next(index for index, line in enumerate(lines) if not line.startswith("--"))
    return "\n".join(lines[:length]), "\n".join(lines[length:])


def declared(header: str, what: str) -> tuple[set[int], int | None]:
    """Read which indexes a header declares, and from which on any number follows."""
    single = {int(found) for found in re.findall(rf"^-- {what}\[(\d+)\](?!\.)", header, re.MULTILINE)}
    ranges = [int(found) for found in re.findall(rf"^-- {what}\[(\d+)\.\.\]", header, re.MULTILINE)]
    assert len(ranges) <= 1
    return single, ranges[0] if ranges else None


def used(body: str, what: str) -> set[int]:
    return {int(found) for found in re.findall(rf"\b{what}\[(\d+)\]", body)}


def is_used_dynamically(body: str, what: str) -> bool:
    return re.search(rf"\b{what}\[[^\d\]]", body) is not None


@pytest.fixture(params=SCRIPTS, ids=lambda path: path.stem)
def script(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_there_are_scripts() -> None:
    assert len(SCRIPTS) >= 11


def test_the_header_begins_with_the_verb_and_its_story(script: Path) -> None:
    header, _ = parts(script)
    assert re.match(rf"-- {script.stem}: \S.{{20,}}", header)


@pytest.mark.parametrize("section", ["Returns", "Cost"])
def test_the_header_tells_what_comes_back_and_what_it_costs(script: Path, section: str) -> None:
    header, _ = parts(script)
    assert re.search(rf"^-- {section}:? \S+", header, re.MULTILINE)


@pytest.mark.parametrize("what", ["KEYS", "ARGV"])
def test_what_is_declared_is_what_is_used(script: Path, what: str) -> None:
    header, body = parts(script)
    single, rest = declared(header, what)
    indexes = used(body, what)
    dynamic = is_used_dynamically(body, what)
    assert single | ({rest} if rest else set()) == set(range(1, len(single) + 1 + (rest is not None)))
    assert {index for index in indexes if rest is None or index < rest} <= single, "used and not declared"
    assert single <= indexes or dynamic, "declared and not used"
    assert (rest is None) or dynamic, "declared as many and never looped over"
    if what == "ARGV":
        assert not dynamic or rest is not None, "looped over and not declared as many"


@pytest.mark.parametrize("what", ["KEYS", "ARGV"])
def test_every_declaration_says_what_it_is(script: Path, what: str) -> None:
    header, _ = parts(script)
    for line in header.splitlines():
        if line.startswith(f"-- {what}["):
            assert len(line.split(None, 3)) >= 3, line


def test_every_key_comes_through_keys(script: Path) -> None:
    _, body = parts(script)
    local_keys = set(re.findall(r"^\s*local (\w+) = KEYS\[", body, re.MULTILINE))
    local_keys |= {"key"} if "key, next_key = KEYS[next_key]" in body else set()
    for command, first in COMMAND.findall(body):
        if command in KEYLESS:
            continue
        assert first.startswith("KEYS[") or first in local_keys or is_handed_keys(body, first), (
            f"{command} {first}"
        )


def is_handed_keys(body: str, name: str) -> bool:
    """A local function's parameter named `key` gets what its callers have from KEYS."""
    return re.search(rf"local function \w+\([^)]*\b{name}\b[^)]*\)", body) is not None


def test_channels_come_through_argv(script: Path) -> None:
    _, body = parts(script)
    for channel in re.findall(r"redis\.call\('PUBLISH',\s*([^,]+)", body):
        assert channel.startswith("ARGV[")


def test_no_name_of_a_key_is_written_in_a_script(script: Path) -> None:
    _, body = parts(script)
    assert "{sale" not in body
    assert not re.search(r"'[\w{}]+:[\w{}]*:'", body)


def test_only_literal_or_bounded_unpacking(script: Path) -> None:
    """Lua's stack holds some 8,000 values; what is unpacked is bounded by the caller's limit."""
    header, body = parts(script)
    if "unpack(" in body:
        assert re.search(r"at most|O\(limit|tickets of the claim", header)


def test_nothing_global_is_set(script: Path) -> None:
    _, body = parts(script)
    flat = re.sub(r"\{[^{}]*\}", "{}", body)  # what stands in a table is no variable
    names = named(re.findall(r"^\s*((?:\w+, )*\w+) = ", flat, re.MULTILINE))
    declared = named(re.findall(r"local ([\w, ]+?)(?: =|$)", flat, re.MULTILINE))
    assert names <= declared, names - declared


def named(lists: list[str]) -> set[str]:
    return {name.strip() for one in lists for name in one.split(",")}
