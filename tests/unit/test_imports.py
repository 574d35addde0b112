"""Imports run one way: web → tasks → models → config and workers → tasks → models → config."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import ROOT

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


def modules_of(package: str) -> list[Path]:
    single = ROOT / f"{package}.py"
    return [single] if single.exists() else sorted((ROOT / package).rglob("*.py"))


def imported_by(path: Path) -> Iterator[str]:
    """Name what a module imports, wherever in it that is written."""
    for node in ast.walk(ast.parse(path.read_text())):
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


def test_only_config_reads_the_environment() -> None:
    readers = [
        str(path.relative_to(ROOT))
        for package in ("models", "tasks", "web", "workers")
        for path in modules_of(package)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv"}
    ]
    assert not readers


def test_only_one_module_builds_keys() -> None:
    builders = [
        str(path.relative_to(ROOT))
        for package in ("models", "tasks", "web", "workers")
        for path in modules_of(package)
        for text in texts_in(ast.parse(path.read_text()))
        if "{sale:" in text
    ]
    assert set(builders) <= {"models/live/keys.py"}


def texts_in(tree: ast.AST) -> Iterator[str]:
    """List the strings of a module that are not docstrings."""
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value
