"""How load tools talk to the shop: one HTTP client, one WebSocket client, and the admin's hand."""
