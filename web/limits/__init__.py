"""Where a request comes from, and how often its sender may ask: addresses, networks, counters, limits."""
