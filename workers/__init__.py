"""How work runs: the composition root of the worker processes, their signals, timers and schedule."""
