"""Accounts: made, logged in to, changed and got back into."""
