"""Reads which of our modules import which, from the source alone: nothing is imported for it."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from config import ROOT

SOURCES = ("models", "tasks", "workers", "web", "deploy")

Graph = Mapping[str, frozenset[str]]


@cache
def modules() -> Mapping[str, Path]:
    """Find every module of ours by its dotted name; a package goes by the name of its folder."""
    found = {"config": ROOT / "config.py"}
    for source in SOURCES:
        for path in (ROOT / source).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree_of(path: Path) -> ast.Module:
    """Read a module, once for all who ask."""
    return ast.parse(path.read_text())


@cache
def imports_of(module: str) -> frozenset[str]:
    """Find which of our modules one needs when it is imported.

    What stands in a function, or under `if TYPE_CHECKING`, is not needed then.
    """
    tree = tree_of(modules()[module])
    return frozenset(name for name in _names_in(tree, module) if name in modules() and name != module)


def functions_that_import() -> frozenset[str]:
    """Find the modules that import one of ours within a function."""
    return frozenset(
        module
        for module, path in modules().items()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
        if any(name in modules() for name in _named_by(inner, module))
    )


def reach_of(module: str) -> frozenset[str]:
    """Find everything of ours that one module imports, directly or through others."""
    reached: set[str] = set()
    ahead = [module]
    while ahead:
        found = imports_of(ahead.pop()) - reached
        reached |= found
        ahead.extend(found)
    return frozenset(reached)


def circles(graph: Graph) -> list[list[str]]:
    """Find the sets of nodes of which each reaches each other; none in a graph that has floors."""
    reach = {node: _reached(graph, node) for node in graph}
    rings = {frozenset(other for other in reach[node] if node in reach[other]) for node in graph}
    return sorted(sorted(ring) for ring in rings if ring)


def _reached(graph: Graph, start: str) -> frozenset[str]:
    reached: set[str] = set()
    ahead = [start]
    while ahead:
        found = graph.get(ahead.pop(), frozenset()) - reached
        reached |= found
        ahead.extend(found)
    return frozenset(reached)


def _names_in(node: ast.AST, module: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield from _named_by(child, module)
        else:
            yield from _names_in(child, module)


def _named_by(node: ast.Import | ast.ImportFrom, module: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (name.name for name in node.names)
        return
    base = node.module or ""
    if node.level:
        folder = modules()[module].parent.relative_to(ROOT).parts
        base = ".".join([*folder[: len(folder) - node.level + 1], *([base] if base else [])])
    for name in node.names:
        inner = f"{base}.{name.name}"
        yield inner if inner in modules() else base
