"""The way into a line: submissions that arrive together go to Redis together."""
