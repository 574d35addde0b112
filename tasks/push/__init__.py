"""Web push: what browsers are told while the shop is not open in them. Off without keys."""
