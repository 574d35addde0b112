"""Accounts as admins work with them: search and bans."""
