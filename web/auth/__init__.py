"""Accounts and authentication: passwords, tokens, their families and their revocation."""
