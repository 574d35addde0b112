"""Metrics for Prometheus: requests, sales, money."""
