"""The rows of PostgreSQL, one module a noun."""
