"""Tells the domain's errors as a command's: in words, and without a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from models.errors import FlashSaleError


@contextmanager
def refusals() -> Iterator[None]:
    """Tell what is refused within, or by the command that this decorates."""
    try:
        yield
    except FlashSaleError as error:
        raise click.ClickException(str(error)) from error
