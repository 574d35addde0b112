"""The scripts, each on a real Redis, with its invariants checked after every step."""
