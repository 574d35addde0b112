"""The whole platform, started as a user starts it."""
