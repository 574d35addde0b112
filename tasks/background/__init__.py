"""Background tasks with a row that shows how far they got, and the list of all work."""
