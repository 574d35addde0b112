"""Whose request it is, and how often they may ask: addresses, networks, counters, limits."""
