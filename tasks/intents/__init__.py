"""Shoppers' intents: submit, find, leave; and the draining of a sale's line."""
