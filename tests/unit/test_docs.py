"""The documents are held to what is there: paths, tests, links, commands, names, keys and log lines."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from config import ROOT
from models.live.keys import SaleKeys
from models.tables.rows import metadata
from web.cli import register_commands

PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
SOURCES = ("models", "tasks", "workers", "web", "deploy")
TOPS = {*SOURCES, "tests", "benchmarks", "docs", "migrations", "requirements"}
MADE_BY_RUNNING = {"benchmarks/latest.json", "benchmarks/crowd.json"}
NO_NAMES_OF_SETTINGS = {"GET", "POST", "PATCH", "DELETE", "INFO", "ARGS"}

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
TEST_NAME = re.compile(r"\btest_[a-z0-9_]+\b")
MAKE = re.compile(r"\bmake ([a-z][a-z-]*)")
FLASK = re.compile(r"\bflask --app web ([a-z-]+)(?: ([a-z-]+))?")
SETTING = re.compile(r"\b([A-Z][A-Z_]{2,})\b(?==| |$)")
EVENT = re.compile(r"(?:log\.(\w+)|\bapart)\(\s*\"([a-z_]+)\"")


def pages() -> list[object]:
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES]


def text_of(page: Path) -> str:
    return page.read_text()


def snippets(text: str) -> Iterator[str]:
    """What a page shows as code: its blocks and its inline words."""
    for _, block in FENCE.findall(text):
        yield block
    yield from INLINE.findall(FENCE.sub("", text))


def is_path(word: str) -> bool:
    return "/" in word and word.split("/", 1)[0] in TOPS and re.fullmatch(r"[\w./*-]+", word) is not None


def anchor_of(heading: str) -> str:
    """The anchor that a heading gets on the usual forges."""
    plain = re.sub(r"[^\w\- ]", "", heading.lower())
    return plain.replace(" ", "-")


def existing_tests() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "tests").rglob("*.py"):
        found.add(path.stem)
        found |= set(re.findall(r"^\s*def (test_\w+)", path.read_text(), re.MULTILINE))
    return found


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def flask_commands() -> dict[str, set[str]]:
    """The command line's words, each with the words that may follow it."""
    app = Flask("docs")
    register_commands(app)
    commands = app.cli.commands.items()
    return {name: set(getattr(command, "commands", {})) for name, command in commands}


def settings_that_exist() -> set[str]:
    example = re.findall(r"^#?([A-Z][A-Z_]*)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    owners = ("benchmarks/harness", "benchmarks/sockets", "tests/chaos")
    settings = [ROOT / owner / "settings.py" for owner in owners]
    crowds = re.findall(r"env\.\w+\(\s*\"([A-Z_]+)\"", "\n".join(map(text_of, settings)))
    make = re.findall(r"\$\(([A-Z_]+)\)", (ROOT / "Makefile").read_text())
    return {*example, *crowds, *make}


def events(level: str | None = None) -> set[str]:
    """The events that are logged, of one level or of all."""
    return {
        event
        for source in SOURCES
        for path in (ROOT / source).rglob("*.py")
        for found, event in EVENT.findall(path.read_text())
        if level in (None, found)
    }


@pytest.mark.parametrize("page", pages())
def test_every_path_that_is_named_exists(page: Path) -> None:
    words = {word for snippet in snippets(text_of(page)) for word in snippet.split() if is_path(word)}
    missing = [word for word in words - MADE_BY_RUNNING if not list(ROOT.glob(word.rstrip("/")))]
    assert not missing


@pytest.mark.parametrize("page", pages())
def test_every_test_that_is_named_exists(page: Path) -> None:
    named = {name for snippet in snippets(text_of(page)) for name in TEST_NAME.findall(snippet)}
    assert not named - existing_tests()


@pytest.mark.parametrize("page", pages())
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    dead = []
    for link in LINK.findall(FENCE.sub("", text_of(page))):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        if not target.exists() or (
            anchor and anchor not in {anchor_of(heading) for heading in HEADING.findall(text_of(target))}
        ):
            dead.append(link)
    assert not dead


@pytest.mark.parametrize("page", pages())
def test_every_picture_that_is_shown_exists_and_is_described(page: Path) -> None:
    pictures = PICTURE.findall(FENCE.sub("", text_of(page)))
    assert not [path for _, path in pictures if not (page.parent / path).is_file()]
    assert all(len(words) > 20 for words, _ in pictures)


@pytest.mark.parametrize("page", pages())
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    named = {target for snippet in snippets(text_of(page)) for target in MAKE.findall(snippet)}
    assert not named - make_targets()


@pytest.mark.parametrize("page", pages())
def test_every_flask_command_that_is_named_exists(page: Path) -> None:
    commands = flask_commands()
    for snippet in snippets(text_of(page)):
        for group, verb in FLASK.findall(snippet):
            assert group in commands, snippet
            assert not commands[group] or verb in commands[group], snippet


def test_the_readme_names_the_commands_of_the_project() -> None:
    words = " ".join(snippets(text_of(ROOT / "README.md")))
    assert not {target for target in make_targets() if "setup" not in target} - set(MAKE.findall(words))
    named = FLASK.findall(words)
    assert all((group, verb) in named for group, verbs in flask_commands().items() for verb in verbs)


def test_every_setting_that_the_readme_names_is_explained() -> None:
    text = text_of(ROOT / "README.md")
    named = {name for word in INLINE.findall(FENCE.sub("", text)) for name in SETTING.findall(word)}
    assert "DATA_DIR" in named
    assert not named - settings_that_exist() - NO_NAMES_OF_SETTINGS


def test_every_guarantee_names_a_test_that_exists() -> None:
    text = text_of(ROOT / "docs" / "guarantees.md")
    guarantees = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    assert len(guarantees) >= 15
    bare = [one.splitlines()[0] for one in guarantees if not set(TEST_NAME.findall(one)) & existing_tests()]
    assert not bare


def test_the_architecture_names_every_module_and_script() -> None:
    text = text_of(ROOT / "docs" / "architecture.md")
    files = [
        str(path.relative_to(ROOT))
        for source in SOURCES
        for suffix in ("py", "lua", "js")
        for path in (ROOT / source).rglob(f"*.{suffix}")
        if path.name != "__init__.py"
    ]
    assert not [file for file in files if f"`{file}`" not in text]


def test_the_architecture_names_every_key_and_table() -> None:
    text = text_of(ROOT / "docs" / "architecture.md")
    keys = [name for name in SaleKeys.__slots__ if not name.startswith("_")]
    assert len(keys) >= 10
    named = [name.removesuffix("_channel").replace("verdict", "verdicts") for name in keys]
    assert not [name for name in named if f"| `{name}` |" not in text]
    assert not [table for table in metadata.tables if f"| `{table}` |" not in text]


def test_the_runbook_explains_events_that_are_logged_and_every_error() -> None:
    text = text_of(ROOT / "docs" / "runbook.md")
    section = text.split("## Log lines", 1)[1].split("\n## ", 1)[0]
    explained = set(re.findall(r"^\| `([a-z_]+)` \|", section, re.MULTILINE))
    assert not explained - events()
    assert not (events("error") | events("exception")) - explained


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = set(LINK.findall(text_of(folder / "README.md")))
    assert listed == {path.name for path in folder.glob("[0-9]*.md")}
