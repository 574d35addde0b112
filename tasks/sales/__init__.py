"""A sale's lifecycle, its settings and units, and keeping its live state in step with the ledger."""
