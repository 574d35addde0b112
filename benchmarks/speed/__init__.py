"""`make bench`: how fast the line is."""
