"""Measurements that stand alone, each a command of its own: `python -m benchmarks.single.NAME`."""
