"""Pieces of the platform together, over real servers."""
