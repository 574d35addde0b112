"""Orders: the end of holds, and the search."""
