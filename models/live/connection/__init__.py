"""Connections to the live Redis, whether one server, the master behind sentinels, or a cluster."""
