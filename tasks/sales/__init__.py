"""Sales: their lifecycle, settings and units, and keeping their live state in sync with the ledger."""
