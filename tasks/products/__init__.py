"""Products: creating, changing and archiving them."""
