"""Accounts: registration, log-ins, bans."""
