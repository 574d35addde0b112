"""The load: a crowd that rushes a running shop, and the measurements beside it."""
