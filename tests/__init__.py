"""The suite: real PostgreSQL and Redis under every test that needs a store; see `tests/conftest.py`."""
