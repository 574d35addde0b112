"""A live state that was lost: found out, laid again from the ledger, and what could not be found of it."""
