"""Lets the engines of a run share the statements that they compiled.

A process has one engine, which compiles each statement once. Tests make one for each case, and compiling
would be a fifth of what they cost.
"""

from typing import Any

import sqlalchemy
from sqlalchemy import Engine

_first: dict[str, Engine] = {}  # of each server, by its address


def create_sharing_engine(url: str, **options: Any) -> Engine:
    """Create an engine with the dialect, and so the compiled statements, of the first one to its server."""
    engine = sqlalchemy.create_engine(url, **options)
    first = _first.setdefault(url, engine)
    if first.dialect.server_version_info:  # it was connected once: its dialect knows the server
        engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
    return engine
