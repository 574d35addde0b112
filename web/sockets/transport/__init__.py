"""Connections: the handshake, frames, bounds, and the poller that waits for all sockets."""
