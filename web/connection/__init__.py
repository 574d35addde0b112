"""Requests that are plain in every way, answered at their connection, past gunicorn's parser and Flask."""
