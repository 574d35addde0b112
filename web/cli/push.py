"""`flask push`: the keys by which push services know the shop."""

import click
from flask.cli import AppGroup

from tasks.push.vapid import make_keys as new_keys

push = AppGroup("push", help="Web push.")


@push.command("make-keys")
def make_keys() -> None:
    """Print a new pair of keys as settings. With other keys, browsers have to be allowed again."""
    keys = new_keys()
    click.echo(f"VAPID_PUBLIC_KEY={keys.public}\nVAPID_PRIVATE_KEY={keys.private}")
