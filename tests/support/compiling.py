"""Lets the engines of a run share the statements that they compiled.

A process has one engine, which compiles each statement once. Tests make one for each case, and compiling
would be a fifth of what they cost.
"""

from typing import Any, Final

import sqlalchemy
from sqlalchemy import Engine
from sqlalchemy.util import LRUCache


class SharedStatements(LRUCache[Any, Any]):
    """SQLAlchemy's cache for engines that have the same dialect in all but the object.

    Keys are those that SQLAlchemy makes, whose first part is that object.
    """

    def get(self, key: Any, default: Any = None) -> Any:
        """Find what any of the engines compiled."""
        return super().get(key[1:], default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        """Keep what one of them compiled."""
        super().__setitem__(key[1:], compiled)


_statements: Final = SharedStatements(2000)


def create_sharing_engine(url: str, **options: Any) -> Engine:
    """Create an engine as SQLAlchemy does, with the run's compiled statements."""
    return sqlalchemy.create_engine(url, execution_options={"compiled_cache": _statements}, **options)
