"""Traces of OpenTelemetry: the way of some intents through web, line, worker and socket. Off by default."""
