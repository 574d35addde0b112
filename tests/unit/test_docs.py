"""The documents are held to what is there: paths, tests, links, commands, names, keys and log lines."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from flask import Flask

from config import ROOT
from models.live.keys import SaleKeys
from models.tables.rows import metadata
from tests.support.imports import imports_of, reach_of
from web.cli import register_commands

PAGES = sorted(
    [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
)
SOURCES = ("models", "tasks", "workers", "web", "deploy")
TOPS = {*SOURCES, "tests", "benchmarks", "docs", "migrations", "requirements"}
MADE_BY_RUNNING = {"benchmarks/latest.json", "benchmarks/crowd.json"}
LAYERS = {"deploy": 4, "web": 3, "workers": 3, "tasks": 2, "models": 1}  # a walk goes down, or stays
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
RELEASE = "pytest.mark.release"
UNUSUAL = re.compile(
    r"\b(anew|whoever|his|him|he|cried out|dear|lamp|deeds?|wish|wished|wishes)\b", re.IGNORECASE
)
EVENT = re.compile(r"(?:log\.(\w+)|\bapart)\(\s*\"([a-z_]+)\"")
EVENT_OF_THREAD = re.compile(r"\b(hindered|failed)(?:: str = |=)\"([a-z_]+)\"")


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


@cache
def existing_tests() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "tests").rglob("*.py"):
        found.add(path.stem)
        found |= set(re.findall(r"^\s*def (test_\w+)", path.read_text(), re.MULTILINE))
    return found


@cache
def run_by_make_test() -> set[str]:
    """The tests of which `make test` runs at least a short version."""
    found: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        tree = ast.parse(path.read_text())
        marks = [ast.unparse(line) for line in tree.body if isinstance(line, ast.Assign)]
        if not any(line.startswith("pytestmark") and RELEASE in line for line in marks):
            found |= {
                part.name
                for part in ast.walk(tree)
                if isinstance(part, ast.FunctionDef) and RELEASE not in map(ast.unparse, part.decorator_list)
            }
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
    owners = ("benchmarks/harness", "benchmarks/sockets", "benchmarks/journey", "tests/chaos")
    settings = [ROOT / owner / "settings.py" for owner in owners]
    crowds = re.findall(r"env\.\w+\(\s*\"([A-Z_]+)\"", "\n".join(map(text_of, settings)))
    make = re.findall(r"\$\(([A-Z_]+)\)", (ROOT / "Makefile").read_text())
    return {*example, *crowds, *make}


def events(level: str | None = None) -> set[str]:
    """The events that are logged, of one level or of all."""
    found = [
        pair
        for source in SOURCES
        for path in (ROOT / source).rglob("*.py")
        for pair in (*EVENT.findall(path.read_text()), *events_of_threads(path.read_text()))
    ]
    return {event for its_level, event in found if level in (None, its_level)}


def events_of_threads(code: str) -> list[tuple[str, str]]:
    """The events that a `Periodic` is told to log."""
    levels = {"hindered": "warning", "failed": "exception"}
    return [(levels[how], event) for how, event in EVENT_OF_THREAD.findall(code)]


def walks() -> dict[str, list[list[str]]]:
    """The walks of the architecture: each a list of stretches between boundaries, each a list of files."""
    section = text_of(ROOT / "docs" / "architecture.md").split("## Three walks", 1)[1].split("\n## ", 1)[0]
    found = {}
    for walk in section.split("\n### ")[1:]:
        title, _, body = walk.partition("\n")
        parts = re.split(r"^\*[^*]+\*$", body, flags=re.MULTILINE)[1:]
        found[title] = [re.findall(r"^\d+\. `([^`]+)`", part, re.MULTILINE) for part in parts]
    return found


def stretches() -> list[object]:
    return [
        pytest.param(files, id=f"{title.split(',')[0]}-{number}")
        for title, parts in walks().items()
        for number, files in enumerate(parts, 1)
    ]


def module_of(file: str) -> str:
    return file.removesuffix(".py").replace("/", ".")


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


def test_every_guarantee_names_a_test_that_make_test_runs() -> None:
    text = text_of(ROOT / "docs" / "guarantees.md")
    guarantees = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    assert len(guarantees) >= 15
    proving = run_by_make_test()
    assert "test_every_guarantee_names_a_test_that_make_test_runs" in proving
    bare = [one.splitlines()[0] for one in guarantees if not set(TEST_NAME.findall(one)) & proving]
    assert not bare


def test_no_test_that_a_guarantee_names_waits_for_a_release() -> None:
    named = set(TEST_NAME.findall(text_of(ROOT / "docs" / "guarantees.md")))
    modules = {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
    assert not named - run_by_make_test() - modules


def test_the_architecture_has_a_row_for_every_folder_with_modules() -> None:
    rows = "\n".join(re.findall(r"^\|.*\|$", text_of(ROOT / "docs" / "architecture.md"), re.MULTILINE))
    folders = {
        str(path.parent.relative_to(ROOT))
        for source in (*SOURCES, "benchmarks", "tests", "migrations")
        for suffix in ("py", "lua", "js")
        for path in (ROOT / source).rglob(f"*.{suffix}")
    }
    assert len(folders) > 40
    assert not [folder for folder in sorted(folders) if f"`{folder}/`" not in rows]


def test_the_architecture_is_short_enough_to_be_read() -> None:
    assert len(text_of(ROOT / "docs" / "architecture.md").splitlines()) < 350


def test_the_walk_of_an_intent_takes_at_most_25_files() -> None:
    files = [file for stretch in walks()["An intent, from POST to socket"] for file in stretch]
    assert files[0] == "deploy/server/gevent_worker.py"
    assert files[-1] == "web/sockets/transport/wire.py"
    assert len(set(files)) <= 25


@pytest.mark.parametrize("stretch", stretches())
def test_a_walk_follows_the_imports_and_never_steps_back_up(stretch: list[str]) -> None:
    """Between two boundaries each file is imported through one above it, and imports none above it itself."""
    assert not [file for file in stretch if not (ROOT / file).is_file()]
    steps = [module_of(file) for file in stretch if file.endswith(".py")]
    for at, step in enumerate(steps):
        above = steps[:at]
        floors = [LAYERS[step.split(".")[0]] for step in steps[: at + 1]]
        assert floors == sorted(floors, reverse=True), f"{step} is in a layer above {above[-1]}"
        assert not imports_of(step) & set(above), f"{step} imports what stands above it"
        callers = [one for one in above if not one.startswith("deploy.")]  # gunicorn loads what deploy names
        assert not callers or any(step in reach_of(one) for one in callers), f"{step}: none above imports it"


@pytest.mark.parametrize("stretch", stretches())
def test_a_script_in_a_walk_is_called_through_the_store_above_it(stretch: list[str]) -> None:
    for at, file in enumerate(stretch):
        if file.endswith(".lua"):
            verb = re.escape(Path(file).stem)
            callers = [text_of(ROOT / one) for one in stretch[:at] if one.startswith("models/live/")]
            assert any(re.search(rf"\b{verb}\b", text) for text in callers), file


def test_the_index_has_a_sentence_for_every_page() -> None:
    folder = ROOT / "docs"
    rows = re.findall(r"^- \[[^\]]+\]\(([^)]+)\): .{20,}$", text_of(folder / "README.md"), re.MULTILINE)
    pages = {path.name for path in folder.glob("*.md")} - {"README.md"}
    assert sorted(rows) == sorted({*pages, "decisions/README.md"})


def test_the_stores_page_names_every_key_and_table() -> None:
    text = text_of(ROOT / "docs" / "stores.md")
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


@pytest.mark.parametrize("page", pages())
def test_the_documents_use_plain_words(page: Path) -> None:
    """Records of decisions stay as they were written."""
    if page.parent.name != "decisions":
        plain = re.sub(r"`[^`]*`", "", FENCE.sub("", text_of(page)))
        assert not UNUSUAL.findall(plain)
