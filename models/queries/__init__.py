"""Everything that is read from the ledger, one module a noun."""
