"""Tables of what accounts want to be told of, and of how it reaches their browsers."""
