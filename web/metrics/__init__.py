"""Figures for Prometheus: requests, sales, money."""
