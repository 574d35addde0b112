"""The work that is done: plain functions over `models/`, and the thin Celery tasks that call them."""
