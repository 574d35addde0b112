"""HTTP, sockets, pages and the command line. `create_app` is the composition root of a web process."""

from web.app import create_app

__all__ = ["create_app"]
