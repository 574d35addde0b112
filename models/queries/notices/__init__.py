"""Queries on what people are told that were not there."""
