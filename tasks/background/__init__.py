"""Background tasks with a row that says how far they got, and the list of all work."""
