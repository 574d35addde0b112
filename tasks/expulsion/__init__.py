"""Shoppers who may not buy any more: bans, and how those who are banned or to be erased leave."""
