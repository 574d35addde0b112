"""Imports run one way: web → tasks → models → config and workers → tasks → models → config."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from config import ROOT
from tests.support import imports as import_graph

MAY_IMPORT = {
    "config": set(),
    "models": {"models", "config"},
    "tasks": {"tasks", "models", "config"},
    "web": {"web", "tasks", "models", "config"},
    "workers": {"workers", "tasks", "models", "config"},
    "migrations": {"migrations", "models", "config"},
    "deploy": {"deploy", "config"},
}
OURS = {*MAY_IMPORT, "benchmarks", "tests"}
FOREIGN = {  # who may not know of what
    "models": {"flask", "celery", "kombu", "marshmallow", "flask_smorest"},
    "tasks": {"flask", "marshmallow", "flask_smorest", "werkzeug"},
    "workers": {"flask"},
}

LEAVES: dict[str, set[str]] = {  # which folders of its own package one may know
    "models.tables": {"models.enums", "models.errors", "models.ids"},
    "models.live": {"models.enums", "models.errors"},
    "tasks.runtime": set(),
    "tasks.providers": {"tasks.runtime"},
    "tasks.mail": {"tasks.runtime"},
    "tasks.push": {"tasks.runtime"},
    "tasks.intake": {"tasks.runtime", "tasks.tracing"},
    "tasks.tracing": {"tasks.runtime"},
    "web.api.schemas": set(),
    "web.metrics": set(),
    "web.limits": {"web.http"},
}

LATE = {  # load a library where that is configured
    "tasks.providers.stripe.provider",
    "tasks.push.starting",
    "tasks.tracing.starting",
}


# Reads that lock what the same transaction writes, or on which its write rests: they stand beside it.
BESIDE_A_WRITE = {
    "tasks/accounts/log_ins.py",
    "tasks/background/queue.py",
    "tasks/deadlines.py",
    "tasks/intake/sale_cache.py",  # which reads what a process remembers
    "tasks/notices/follows.py",
    "tasks/notices/opens_soon.py",
    "tasks/orders/holds.py",
    "tasks/payments/begin.py",
    "tasks/payments/history.py",
    "tasks/payments/late.py",
    "tasks/payments/receipts.py",
    "tasks/payments/refunds.py",
    "tasks/payments/webhooks.py",
    "tasks/privacy/erasing.py",
    "tasks/privacy/forgetting.py",
    "tasks/providers/sandbox/books.py",
    "tasks/providers/sandbox/refunds.py",
    "tasks/push/outbox.py",
    "tasks/notices/browsers.py",
    "tasks/reports/making.py",  # which reads the clock
    "tasks/sales/adjustments.py",
    "tasks/sales/archive.py",
    "tasks/sales/rebuilding/journalled.py",  # whose rows are locked by the rebuild
    "tasks/sales/rebuilding/lost_tickets.py",  # reads the clock
    "tasks/sales/rebuilding/rebuild.py",
    "tasks/sweep.py",
}


def modules_of(package: str) -> list[Path]:
    single = ROOT / f"{package}.py"
    return [single] if single.exists() else sorted((ROOT / package).rglob("*.py"))


def imported_by(path: Path) -> Iterator[str]:
    """Name what a module imports, wherever in it that is written."""
    for node in ast.walk(import_graph.tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "" if node.level == 0 else package_of(path)


def package_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


def top(name: str) -> str:
    return name.partition(".")[0]


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_a_package_imports_only_from_below(package: str) -> None:
    modules = modules_of(package)
    assert modules
    upwards = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules
        for name in imported_by(path)
        if top(name) in OURS - MAY_IMPORT[package]
    ]
    assert not upwards


@pytest.mark.parametrize("package", sorted(FOREIGN))
def test_a_package_does_not_know_the_frameworks_above_it(package: str) -> None:
    known = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules_of(package)
        for name in imported_by(path)
        if top(name) in FOREIGN[package]
    ]
    assert not known


def test_no_circle_of_folders() -> None:
    """A module that stands beside sub-folders is a room of its own, as `tasks/context.py` is."""
    graph: dict[str, set[str]] = defaultdict(set)
    for module in import_graph.modules():
        rooms = {room_of(other) for other in import_graph.imports_of(module)}
        graph[room_of(module)] |= rooms - {room_of(module)}
    assert len(graph) > 60
    assert not import_graph.circles({room: frozenset(below) for room, below in graph.items()})


def test_a_circle_of_folders_would_be_found() -> None:
    graph = {"a": frozenset({"b"}), "b": frozenset({"c"}), "c": frozenset({"b"}), "d": frozenset({"a"})}
    assert import_graph.circles(graph) == [["b", "c"]]


@pytest.mark.parametrize(("leaf", "may_know"), sorted(LEAVES.items()))
def test_a_leaf_knows_only_what_is_below(leaf: str, may_know: set[str]) -> None:
    known = {
        room_of(other)
        for module in import_graph.modules()
        if room_of(module).startswith(leaf)
        for other in import_graph.imports_of(module)
    }
    ours = {room for room in known if top(room) == top(leaf) and not room.startswith(leaf)}
    assert known
    assert ours <= may_know


def test_imports_stand_at_the_top_of_a_module() -> None:
    """One in a function would hide a circle from the tests above."""
    assert import_graph.functions_that_import() == LATE


@cache
def room_of(module: str) -> str:
    path = import_graph.modules()[module]
    is_alone = any(path.parent.glob("*/__init__.py"))
    return module if is_alone else ".".join(path.parent.relative_to(ROOT).parts) or module


def test_the_web_layer_speaks_sql_in_its_paging_alone() -> None:
    speakers = {
        str(path.relative_to(ROOT))
        for path in modules_of("web")
        for name in imported_by(path)
        if top(name) == "sqlalchemy"
    }
    assert speakers == {"web/http/paging.py"}


def test_the_ledger_is_asked_in_models_alone() -> None:
    askers = {
        str(path.relative_to(ROOT))
        for package in ("tasks", "web", "workers")
        for path in modules_of(package)
        for node in ast.walk(import_graph.tree_of(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"select", "sqlalchemy.select"}
    }
    assert askers <= BESIDE_A_WRITE


def test_only_config_reads_the_environment() -> None:
    readers = [
        str(path.relative_to(ROOT))
        for package in ("models", "tasks", "web", "workers")
        for path in modules_of(package)
        for node in ast.walk(import_graph.tree_of(path))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv"}
    ]
    assert not readers


def test_only_one_module_builds_keys() -> None:
    builders = [
        str(path.relative_to(ROOT))
        for package in ("models", "tasks", "web", "workers")
        for path in modules_of(package)
        for text in texts_in(import_graph.tree_of(path))
        if "{sale:" in text
    ]
    assert set(builders) <= {"models/live/keys.py"}


def texts_in(tree: ast.AST) -> Iterator[str]:
    """List the strings of a module that are not docstrings."""
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value


def test_no_folder_has_more_than_fifteen_modules() -> None:
    counts: dict[str, int] = defaultdict(int)
    for package in OURS - {"config", "tests", "migrations"}:
        for path in (ROOT / package).rglob("*.py"):
            counts[str(path.parent.relative_to(ROOT))] += path.name != "__init__.py"
    assert not {folder: count for folder, count in counts.items() if count > 15}
