"""A web process as it is deployed: its sockets, and what it keeps; the tests share one that runs."""
