"""The tables of PostgreSQL, one module per noun."""
