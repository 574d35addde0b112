"""Queries that read the ledger, one module per noun."""
