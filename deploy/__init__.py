"""Owns how the platform is set up, launched and kept alive; knows nothing of sales."""
