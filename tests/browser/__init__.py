"""A real browser over the whole platform."""
