"""Owns accounts and who is asking: passwords, tokens, their families and their revocation."""
